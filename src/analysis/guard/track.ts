import { canaryOf, primaryOf } from '../counters.ts'
import { type GuardSpan, suspectComparison, suspectLimit } from '../judge/guard-rules.ts'
import type { Sample } from '../provider.ts'
import { noRequests } from '../statistics/arm.ts'
import { sumIncreases } from '../statistics/increase.ts'
import { settledSince } from '../window.ts'
import type { Entry } from './entries.ts'

/** What the readings of one metric of one run have shown so far. */
export interface Track {
  readonly run: string
  readonly atMs: number
  readonly samples: readonly Sample[]
  /** Oldest first. */
  readonly spans: readonly GuardSpan[]
}

/** A minute at the usual pace; whatever is slower than that is found by checks. */
const SPANS_KEPT = 64

export type Reading = Pick<Track, 'atMs' | 'samples'>

/** Adds a reading. The first one of a run is only the base of the next. */
export function addReading(track: Track | undefined, entry: Entry, { atMs, samples }: Reading): Track {
  const { run } = entry.watch
  if (track === undefined || track.run !== run || track.atMs >= atMs) {
    return { run, atMs, samples, spans: [] }
  }
  const span = { startMs: track.atMs, endMs: atMs, ...countGains(track, entry, samples) }
  return { run, atMs, samples, spans: [...track.spans, span].slice(-SPANS_KEPT) }
}

function countGains(track: Track, { watch, builtin, rules }: Entry, samples: readonly Sample[]) {
  const gained = sumIncreases(track.samples, samples)
  const count = (backend: ReturnType<typeof canaryOf>) => {
    const of = gained.filter((sample) => builtin.isOf(backend, sample))
    const counted = builtin.count(of, rules.comparison ?? {})
    return counted.ok ? { requests: counted.value.requests, failures: counted.value.failures } : noRequests
  }
  return { canary: count(canaryOf(watch.subject)), primary: count(primaryOf(watch.subject)) }
}

/** When scrapes show no more of what happened before the run. */
export const readableSince = ({ watch, builtin }: Entry, scrapeMs: number): number =>
  settledSince(watch.sinceMs, { scrapeMs, flushMs: builtin.flushMs })

/** Start of the time that should be measured now; undefined when nothing looks bad. */
export function suspect({ spans }: Track, entry: Entry, scrapeMs: number): number | undefined {
  const { rules, watch, builtin } = entry
  const suspectedMs = rules.limit && suspectLimit(spans, rules.limit, readableSince(entry, scrapeMs))
  if (suspectedMs !== undefined) return suspectedMs
  if (rules.comparison === undefined || watch.programmedMs === undefined) return undefined
  const delay = { scrapeMs, flushMs: builtin.flushMs }
  const comparedMs = Math.max(settledSince(watch.programmedMs, delay), recordedUntil(entry))
  if (!suspectComparison(spans, rules.comparison, comparedMs)) return undefined
  return spans.find(({ startMs }) => startMs >= comparedMs)?.startMs
}

function recordedUntil({ check }: Entry): number {
  const recorded = Date.parse(check.memory?.evidence?.lastWindowEnd ?? '')
  return Number.isNaN(recorded) ? Number.NEGATIVE_INFINITY : recorded
}
