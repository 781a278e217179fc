import type { BuiltinMetric } from './builtin/metric.ts'
import { judge } from './judge.ts'
import type { Finding, Measuring } from './measuring.ts'
import { renderRange } from './promql.ts'
import { increases } from './statistics/increase.ts'
import { measuredWindow } from './window.ts'

/**
 * How far back the newest sample of a counter may lie: that many missed scrapes change nothing, and a pod that died
 * inside the window still testifies.
 */
const LOOKBACK_MS = 300_000

/** Asks the same raw counters at both ends of the window and judges what they gained. */
export async function measureBuiltin(measuring: Measuring, builtin: BuiltinMetric): Promise<Finding> {
  const { check, request, scrapeIntervalMs, ask } = measuring
  const delay = { scrapeMs: scrapeIntervalMs, flushed: builtin.flushed }
  const measured = measuredWindow(request.window, delay, check.metric.interval)
  const { unit, title } = builtin
  if (!measured.ok) {
    return {
      state: 'no-data',
      unit,
      query: '',
      window: request.window,
      message: `${title} is unknown: ${measured.error}`,
    }
  }
  const window = measured.value
  const range = renderRange(Math.max(LOOKBACK_MS, window.endMs - window.startMs))
  const query = builtin.query(request.subject, range)
  const found = { query, window, unit }
  const [start, end] = await Promise.all([ask(query, window.startMs), ask(query, window.endMs)])
  if (end.kind !== 'samples') return { ...found, state: end.kind, message: end.message }
  if (start.kind !== 'samples') return { ...found, state: start.kind, message: start.message }
  const { value, requests, errors, evidence } = builtin.read(increases(start.samples, end.samples))
  return {
    ...found,
    value,
    requests,
    errors,
    ...judge({ title, unit, value, evidence }, check.metric.thresholdRange ?? {}),
  }
}
