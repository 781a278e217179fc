import { type Labels, type Series, scraped } from '../support/history.ts'

/** Second 0 of every history here. */
export const EPOCH = Date.UTC(2026, 0, 1) / 1_000

/** The window of most tests: its first 1.25 s settle, so counting begins with the scrape at 60.3. */
export const WINDOW = { startMs: (EPOCH + 60) * 1_000, endMs: (EPOCH + 70) * 1_000 }

export interface Counter {
  readonly pod: string
  readonly labels?: Labels
  /** Value by the scrape of that second, counted from EPOCH. */
  readonly at: (second: number) => number
  /** First and last second at which it was scraped. */
  readonly life?: readonly [number, number]
  readonly missed?: readonly number[]
}

/** `istio_requests_total` as a pod of `web` in this namespace reports it. */
export function requests(namespace: string, counters: readonly Counter[]): readonly Series[] {
  return counters.map((counter) => ({
    name: 'istio_requests_total',
    labels: { ...destination(namespace, counter.pod), response_code: '200', response_flags: '-', ...counter.labels },
    points: pointsOf(counter),
  }))
}

/** `istio_request_duration_milliseconds_bucket` of a pod; `perSecond` is keyed by upper bound, not cumulative. */
export function durations(
  namespace: string,
  pod: string,
  perSecond: Readonly<Record<string, number>>,
): readonly Series[] {
  let cumulative = 0
  return Object.entries(perSecond)
    .sort(([left], [right]) => boundOf(left) - boundOf(right))
    .map(([le, rate]) => {
      cumulative += rate
      const slope = cumulative
      return {
        name: 'istio_request_duration_milliseconds_bucket',
        labels: { ...destination(namespace, pod), response_code: '200', response_flags: '-', le },
        points: pointsOf({ pod, at: (second) => slope * second }),
      }
    })
}

const boundOf = (le: string): number => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le))

const destination = (namespace: string, pod: string): Labels => ({
  namespace,
  pod,
  reporter: 'destination',
  source_workload: 'load',
  destination_workload: 'web',
  destination_workload_namespace: namespace,
  destination_service_name: 'web-canary',
  destination_service_namespace: namespace,
})

function pointsOf({ at, life = [0, 90], missed = [] }: Counter): Series['points'] {
  const kept = scraped(life[0], life[1], at).filter((_, index) => !missed.includes(life[0] + index))
  return kept.map(([second, value]) => [EPOCH + second, value] as const)
}
