import type { Answer } from '../../analysis/index.ts'
import type { Traffic } from '../../canary/index.ts'
import { binomial, normalShareBelow, poisson, type Random } from './random.ts'

/** How one version answers. */
export interface Version {
  /** Share of its requests that fail. */
  readonly errorRate: number
  readonly medianMs: number
  readonly p99Ms: number
}

export interface TrafficModel {
  readonly requestsPerSecond: number
  readonly primary: Version
  readonly canary: Version
  /** Share of the requests that meet `analysis.match`, where that decides. */
  readonly matchShare: number
}

export interface Names {
  /** Whether anybody asks how long requests take; counting it is most of the work. */
  readonly isTimed: boolean
  readonly namespace: string
  readonly canary: string
  readonly primary: string
}

/** Users' requests second by second, with the counters that a Prometheus would have scraped each second. */
export interface SimulatedTraffic {
  /** Lets time pass; the shares hold until then. */
  advanceTo(milliseconds: number, shares: Traffic): void
  /** Raw counters of both versions at an instant. */
  counters(query: string, atMs: number): Answer
  exposed(): { readonly requests: number; readonly failed: number }
}

/** Bounds of the histogram in milliseconds: Istio's, as far as they tell versions apart. */
const BOUNDS = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, Number.POSITIVE_INFINITY] as const
const SECOND_MS = 1_000
/** Standard deviations between the median and the 99th of 100. */
const Z_99 = 2.3263

interface Counters {
  readonly succeeded: number
  readonly failed: number
  /** Requests within each bound. */
  readonly within: readonly number[]
}

const nothing: Counters = { succeeded: 0, failed: 0, within: BOUNDS.map(() => 0) }

export function createTraffic(model: TrafficModel, names: Names, startMs: number, random: Random): SimulatedTraffic {
  const scrapes = { canary: [nothing], primary: [nothing] }
  const bucketsFor = (version: Version) => (names.isTimed ? sharesOfBuckets(version) : [])
  const shares = { canary: bucketsFor(model.canary), primary: bucketsFor(model.primary) }
  let exposed = { requests: 0, failed: 0 }
  const scrapeAt = (list: readonly Counters[], atMs: number): Counters =>
    list[Math.min(list.length - 1, Math.max(0, Math.floor((atMs - startMs) / SECOND_MS)))] ?? nothing

  const passSecond = (traffic: Traffic): void => {
    const arriving = poisson(model.requestsPerSecond, random)
    const concerned = traffic.matching === true ? binomial(arriving, model.matchShare, random) : arriving
    const live = binomial(concerned, traffic.canary / 100, random)
    const mirrored = binomial(arriving, traffic.mirror / 100, random)
    const canary = count(
      last(scrapes.canary),
      live + mirrored,
      { version: model.canary, buckets: shares.canary },
      random,
    )
    const failedNow = canary.failed - last(scrapes.canary).failed
    const failedLive = live + mirrored === 0 ? 0 : (failedNow * live) / (live + mirrored)
    exposed = { requests: exposed.requests + live, failed: exposed.failed + failedLive }
    scrapes.canary.push(canary)
    const rest = { version: model.primary, buckets: shares.primary }
    scrapes.primary.push(count(last(scrapes.primary), arriving - live, rest, random))
  }

  return {
    advanceTo(milliseconds, traffic) {
      while ((scrapes.canary.length - 1) * SECOND_MS < milliseconds - startMs) passSecond(traffic)
    },
    counters(query, atMs) {
      const arms = [
        { workload: names.canary, counters: scrapeAt(scrapes.canary, atMs) },
        { workload: names.primary, counters: scrapeAt(scrapes.primary, atMs) },
      ]
      const isDuration = query.includes('istio_request_duration_milliseconds_bucket')
      const samples = arms.flatMap(({ workload, counters }) => {
        const labels = {
          reporter: 'destination',
          destination_workload: workload,
          destination_workload_namespace: names.namespace,
        }
        return isDuration ? bucketsOf(labels, counters) : codesOf(labels, counters)
      })
      return { kind: 'samples', samples }
    },
    exposed: () => ({ requests: exposed.requests, failed: Math.round(exposed.failed) }),
  }
}

const last = (list: readonly Counters[]): Counters => list.at(-1) ?? nothing

interface Counter {
  readonly labels: Labels
  readonly value: number
}

type Labels = Readonly<Record<string, string>>

const codesOf = (labels: Labels, { succeeded, failed }: Counters): readonly Counter[] => [
  { labels: { ...labels, response_code: '200' }, value: succeeded },
  { labels: { ...labels, response_code: '500' }, value: failed },
]

const bucketsOf = (labels: Labels, { within }: Counters): readonly Counter[] =>
  BOUNDS.map((bound, index) => ({
    labels: { ...labels, le: Number.isFinite(bound) ? `${bound}` : '+Inf' },
    value: within[index] ?? 0,
  }))

/** Share of the requests in each bucket, of those that no bucket before it holds: a log-normal distribution. */
function sharesOfBuckets({ medianMs, p99Ms }: Version): readonly number[] {
  const spread = Math.log(p99Ms / medianMs) / Z_99
  const isWithin = (bound: number) => {
    if (!Number.isFinite(bound)) return 1
    return spread === 0 ? Number(bound >= medianMs) : normalShareBelow(Math.log(bound / medianMs) / spread)
  }
  return BOUNDS.map((bound, index) => {
    const before = index === 0 ? 0 : isWithin(BOUNDS[index - 1] ?? 0)
    return before >= 1 ? 0 : (isWithin(bound) - before) / (1 - before)
  })
}

interface Answering {
  readonly version: Version
  readonly buckets: readonly number[]
}

function count(before: Counters, requests: number, { version, buckets }: Answering, random: Random): Counters {
  const failed = binomial(requests, version.errorRate, random)
  let remaining = requests
  const within = buckets.map((share, index) => {
    remaining -= binomial(remaining, share, random)
    return (before.within[index] ?? 0) + requests - remaining
  })
  return { succeeded: before.succeeded + requests - failed, failed: before.failed + failed, within }
}
