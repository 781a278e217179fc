import type { Metric } from '../api/index.ts'
import type { Backend, BuiltinMetric, Measurement } from './builtin/metric.ts'
import { beginComparison, type Comparing, finishComparison } from './compare.ts'
import { askCounters, canaryOf, type Gains, primaryOf, renderQuery } from './counters.ts'
import { judgeErrorShare } from './judge/error-share.ts'
import type { Opinion } from './judge/opinion.ts'
import { judge } from './judge/threshold.ts'
import type { Finding, Measuring } from './measuring.ts'
import { measuredWindow, type Window } from './window.ts'

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
  const gains = await askCounters(measuring, builtin, query, comparing ? [window, comparing.window] : [window])
  if (!('of' in gains)) return { ...found, state: gains.kind, message: gains.message }
  return { ...found, ...judgeGains(measuring, builtin, { gains, window, comparing }) }
}

interface Asked {
  readonly gains: Gains
  readonly window: Window
  readonly comparing: Comparing | undefined
}

type Judged = Pick<
  Finding,
  'state' | 'message' | 'value' | 'requests' | 'errors' | 'opinions' | 'comparison' | 'evidence'
>

function judgeGains({ check, request }: Measuring, builtin: BuiltinMetric, asked: Asked): Judged {
  const { gains, window, comparing } = asked
  const measurement = builtin.read(gains.of(canaryOf(request.subject), window))
  const { value, requests, errors } = measurement
  const numbers = { value, requests, errors }
  const opinion = opinionOf(check.metric, builtin, measurement)
  const others = limitOpinions(check.metric, measurement)
  if (comparing === undefined) return { ...numbers, ...opinion, opinions: [opinion, ...others] }
  const countOf = (backend: Backend) => builtin.count(gains.of(backend, comparing.window), comparing.settings)
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
