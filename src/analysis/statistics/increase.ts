import { remember } from '../../base/index.ts'
import type { Sample } from '../provider.ts'

/**
 * What each counter gained between two instants, series by series.
 * A series that is missing at the start began in between, at 0; one that fell was restarted, so all it shows is new.
 * A series that is missing at the end gained nothing that anyone could have seen.
 */
export function increases(start: readonly Sample[], end: readonly Sample[]): readonly Sample[] {
  const before = new Map(start.map((sample) => [seriesKey(sample), sample.value]))
  return end.map((sample) => {
    const base = before.get(seriesKey(sample)) ?? 0
    return { labels: sample.labels, value: sample.value < base ? sample.value : sample.value - base }
  })
}

/** Made once for each sample, which is the end of one reading and the start of the next. */
const seriesKey = remember(({ labels }: Sample): string => {
  const names = Object.keys(labels).sort()
  // Prometheus 3 keeps the metric's name through functions where 2 drops it.
  return JSON.stringify(names.flatMap((name) => (name === '__name__' ? [] : [name, labels[name]])))
})

/**
 * The same for sums over many series. A sum falls where one of its parts is gone or was restarted: what the others
 * gained meanwhile can not be told from it, so it counts as nothing.
 */
export function sumIncreases(start: readonly Sample[], end: readonly Sample[]): readonly Sample[] {
  const before = new Map(start.map((sample) => [seriesKey(sample), sample.value]))
  return end.map((sample) => ({
    labels: sample.labels,
    value: Math.max(0, sample.value - (before.get(seriesKey(sample)) ?? 0)),
  }))
}
