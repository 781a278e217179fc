import type { Metric } from '../api/index.ts'
import type { Backend, BuiltinMetric, Measurement } from './builtin/metric.ts'
import { beginComparison, type Comparing, finishComparison } from './compare.ts'
import { judgeErrorShare } from './judge/error-share.ts'
import type { Opinion } from './judge/opinion.ts'
import { judge } from './judge/threshold.ts'
import type { Finding, Measuring } from './measuring.ts'
import type { Subject } from './port.ts'
import { renderRange } from './promql.ts'
import type { Answer, ProviderProblem, Sample } from './provider.ts'
import { increases } from './statistics/increase.ts'
import { measuredWindow, type Window } from './window.ts'

/**
 * How far back the newest sample of a counter may lie: that many missed scrapes change nothing, and a pod that died
 * inside the window still testifies.
 */
const LOOKBACK_MS = 300_000

/** Asks the same raw counters at the ends of the windows, and judges what they gained. */
export async function measureBuiltin(measuring: Measuring, builtin: BuiltinMetric): Promise<Finding> {
  const { check, request, scrapeIntervalMs } = measuring
  const { metric, memory } = check
  const delay = { scrapeMs: scrapeIntervalMs, flushMs: builtin.flushMs }
  const measured = measuredWindow(request.window, delay, metric.interval)
  const settled = measuredWindow(request.window, delay)
  const { unit, title } = builtin
  if (!measured.ok || !settled.ok) {
    const why = measured.ok ? '' : measured.error
    return { state: 'no-data', unit, query: '', window: request.window, message: `${title} is unknown: ${why}` }
  }
  const window = measured.value
  const comparing = metric.comparison && beginComparison(metric.comparison, memory?.evidence, settled.value)
  const query = renderQuery(builtin, request.subject, { window, isCompared: comparing !== undefined })
  const found = { query, window, unit }
  const samples = await askAll(measuring, query, comparing ? [window, comparing.window] : [window])
  if (!('at' in samples)) return { ...found, state: samples.kind, message: samples.message }
  return { ...found, ...judgeSamples(measuring, builtin, { samples, window, comparing }) }
}

function renderQuery(
  builtin: BuiltinMetric,
  subject: Subject,
  { window, isCompared }: { readonly window: Window; readonly isCompared: boolean },
): string {
  const range = renderRange(Math.max(LOOKBACK_MS, window.endMs - window.startMs))
  const backends = isCompared ? [canaryOf(subject), primaryOf(subject)] : [canaryOf(subject)]
  return backends.map((backend) => builtin.query(backend, range)).join(' or ')
}

const canaryOf = ({ namespace, target, service }: Subject): Backend => ({
  namespace,
  workload: target,
  service: `${service}-canary`,
})

const primaryOf = ({ namespace, primary, service }: Subject): Backend => ({
  namespace,
  workload: primary,
  service: `${service}-primary`,
})

interface SamplesAt {
  at(milliseconds: number): readonly Sample[]
}

/** Each instant is asked once, however many windows meet in it. */
async function askAll(
  { ask }: Measuring,
  query: string,
  windows: readonly Window[],
): Promise<SamplesAt | ProviderProblem> {
  const instants = [...new Set(windows.flatMap(({ startMs, endMs }) => [endMs, startMs]))]
  const answers = await Promise.all(
    instants.map(async (at): Promise<readonly [number, Answer]> => [at, await ask(query, at)]),
  )
  const samples = new Map<number, readonly Sample[]>()
  for (const [at, answer] of answers) {
    if (answer.kind !== 'samples') return answer
    samples.set(at, answer.samples)
  }
  return { at: (milliseconds) => samples.get(milliseconds) ?? [] }
}

interface Asked {
  readonly samples: SamplesAt
  readonly window: Window
  readonly comparing: Comparing | undefined
}

type Judged = Pick<
  Finding,
  'state' | 'message' | 'value' | 'requests' | 'errors' | 'opinions' | 'comparison' | 'evidence'
>

function judgeSamples({ check, request }: Measuring, builtin: BuiltinMetric, asked: Asked): Judged {
  const { samples, window, comparing } = asked
  const gained = ({ startMs, endMs }: Window, backend: Backend) =>
    increases(samples.at(startMs), samples.at(endMs)).filter((sample) => builtin.isOf(backend, sample))
  const measurement = builtin.read(gained(window, canaryOf(request.subject)))
  const { value, requests, errors } = measurement
  const numbers = { value, requests, errors }
  const opinion = opinionOf(check.metric, builtin, measurement)
  const others = limitOpinions(check.metric, measurement)
  if (comparing === undefined) return { ...numbers, ...opinion, opinions: [opinion, ...others] }
  const countOf = (backend: Backend) => builtin.count(gained(comparing.window, backend), comparing.settings)
  const canary = countOf(canaryOf(request.subject))
  const primary = countOf(primaryOf(request.subject))
  if (!canary.ok) return { ...numbers, state: 'query-error', message: canary.error }
  if (!primary.ok) return { ...numbers, state: 'query-error', message: primary.error }
  const compared = finishComparison(comparing, { canary: canary.value, primary: primary.value }, request)
  const { comparison, evidence } = compared
  const own = check.metric.thresholdRange === undefined ? [] : [opinion]
  return { ...numbers, ...opinion, opinions: [...others, ...own, compared.opinion], comparison, evidence }
}

/** What the value alone says; without a range, a metric that measured anything has nothing against it. */
function opinionOf(metric: Metric, builtin: BuiltinMetric, { value, evidence }: Measurement): Opinion {
  const { title, unit } = builtin
  const { thresholdRange } = metric
  const rule = value === undefined ? 'onNoData' : 'thresholdRange'
  if (thresholdRange !== undefined) return { rule, ...judge({ title, unit, value, evidence }, thresholdRange) }
  const message = value === undefined ? `${title} is unknown: ${evidence}` : evidence
  return { state: value === undefined ? 'no-data' : 'passed', rule, message }
}

function limitOpinions({ limits }: Metric, { requests = 0, errors = 0 }: Measurement): readonly Opinion[] {
  const opinion = limits && judgeErrorShare({ requests, failures: errors }, limits)
  return opinion ? [opinion] : []
}
