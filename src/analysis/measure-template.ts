import type { MetricTemplate } from '../api/index.ts'
import type { Result } from '../base/index.ts'
import { judge } from './judge/threshold.ts'
import type { Finding, Measuring } from './measuring.ts'
import { renderPlainQuery } from './plain-template.ts'
import { renderRange } from './promql.ts'
import type { Sample } from './provider.ts'
import { renderQuery, type TemplateValues } from './template.ts'
import { resolveVariables, type Variables } from './template-variables.ts'
import { MESH_FLUSH_MS, measuredWindow, type Window } from './window.ts'

/** Fills the template in, asks it once, at the end of the window, and judges the one number it gives. */
export async function measureTemplate(measuring: Measuring, template: MetricTemplate): Promise<Finding> {
  const { check, request, scrapeIntervalMs, askTemplate } = measuring
  const { name, interval, templateVariables: given = {} } = check.metric
  // What the query reads is not known here, so it gets the longer delay.
  const measured = measuredWindow(request.window, { scrapeMs: scrapeIntervalMs, flushMs: MESH_FLUSH_MS }, interval)
  const unasked = { query: '', window: request.window }
  if (!measured.ok) return { ...unasked, state: 'no-data', message: `${name} is unknown: ${measured.error}` }
  const window = measured.value
  const range = renderRange(window.endMs - window.startMs)
  const query = fillIn(template, given, { subject: request.subject, interval: range }, window)
  if (!query.ok) {
    const message = `${template.kind} ${template.metadata.name}: ${query.error}`
    return { ...unasked, window, state: 'query-error', message }
  }
  const found = { query: query.value, window }
  const answer = await askTemplate(template, query.value, window)
  if (answer.kind !== 'samples') {
    const { kind: state, message, isPending } = answer
    return { ...found, state, message, ...(isPending === true ? { isPending } : {}) }
  }
  if (answer.samples.length > 1) return { ...found, state: 'query-error', message: describeMany(name, answer.samples) }
  const value = answer.samples[0]?.value
  const judgement = judge(
    { title: name, value, evidence: evidenceOf(value, answer.warnings) },
    check.metric.thresholdRange ?? {},
  )
  return { ...found, ...(Number.isFinite(value) ? { value } : {}), ...judgement }
}

function fillIn(
  { spec }: MetricTemplate,
  given: Variables,
  values: Omit<TemplateValues, 'variables'>,
  window: Window,
): Result<string> {
  const text = queryOf(spec)
  const variables = resolveVariables({ query: text, variables: spec.variables }, given)
  if (!variables.ok) return variables
  const filled = { ...values, variables: variables.value }
  return spec.provider.type === 'prometheus' ? renderQuery(text, filled) : renderPlainQuery(text, filled, window)
}

/** The text with the names to fill in: of a Job, all of its spec. */
export const queryOf = ({ query, provider }: MetricTemplate['spec']): string =>
  provider.job === undefined ? query : JSON.stringify(provider.job.spec)

function evidenceOf(value: number | undefined, warnings: readonly string[] = []): string {
  return [...(value === undefined ? ['the query found no series'] : []), ...warnings].join('; ')
}

function describeMany(name: string, samples: readonly Sample[]): string {
  return `the query of ${name} gives ${samples.length} series; aggregate them to one, with sum() or max()`
}
