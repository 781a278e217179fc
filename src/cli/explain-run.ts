import { type CanaryRun, describeChange, type MetricVerdict, type RunStep } from '../api/index.ts'

/** Why a run stands as it does: every verdict with what it was measured on, and the rule that made it one. */
export function explainRun({ metadata, spec, status }: CanaryRun): string {
  const head = [
    `Run ${metadata.name} of ${describeChange(spec.previousImages, spec)}: ${status?.phase ?? 'begun'}`,
    ...(status === undefined ? [] : [`${status.reason}: ${status.message}`]),
  ]
  return [...head, ...(status?.steps ?? []).flatMap((step) => ['', ...explainStep(step)])].join('\n')
}

function explainStep(step: RunStep): readonly string[] {
  const share = describeShare(step)
  const since = step.programmedAt === undefined ? 'no proxy had it yet' : `proxies had it at ${step.programmedAt}`
  const verdicts = step.verdicts.length === 0 ? ['  no check was made'] : step.verdicts.flatMap(explainVerdict)
  return [`${share}: ${step.outcome} (${since})`, ...verdicts]
}

function describeShare({ kind, weight, mirrorWeight }: RunStep): string {
  if (kind === 'mirror') return `${mirrorWeight}% mirrored`
  if (kind === 'match') return 'requests that match'
  return kind === 'iterations' ? 'no requests of users' : `weight ${weight}%`
}

function explainVerdict(verdict: MetricVerdict): readonly string[] {
  const { metric, state, decision, rule, message, query } = verdict
  const by = rule === undefined ? '' : ` by ${rule}`
  const when = verdict.guard === true ? ', between two checks' : ''
  const detail = (title: string, text: string) => `    ${title.padEnd(9)}${text}`
  return [
    `  ${metric}: ${state}${decision === undefined ? '' : `, ${decision}${by}`}${when}`,
    detail('because', message),
    detail('window', `${verdict.windowStart} to ${verdict.windowEnd}`),
    ...explainComparison(verdict.comparison).map((text, index) => detail(index === 0 ? 'compared' : '', text)),
    ...(query === '' ? [] : [detail('query', query)]),
  ]
}

function explainComparison(comparison: MetricVerdict['comparison']): readonly string[] {
  if (comparison === undefined) return []
  const { canary, primary, windowStart, windowEnd, logEValue, logEValueLimit } = comparison
  return [
    `${canary.failures} of ${canary.requests} requests with ${primary.failures} of ${primary.requests} of the primary, ${windowStart} to ${windowEnd}`,
    `evidence of harm in the run so far: e-value ${renderEValue(logEValue)}; ${renderEValue(logEValueLimit)} is proof`,
  ]
}

const renderEValue = (log: number): string => `${Number(Math.exp(Math.min(log, 23)).toPrecision(3))}`
