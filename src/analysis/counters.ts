import type { Backend, BuiltinMetric } from './builtin/metric.ts'
import type { Measuring } from './measuring.ts'
import type { Subject } from './port.ts'
import { renderRange } from './promql.ts'
import type { Answer, ProviderProblem, Sample } from './provider.ts'
import { increases } from './statistics/increase.ts'
import type { Window } from './window.ts'

/**
 * How far back the newest sample of a counter may lie: that many missed scrapes change nothing, and a pod that died
 * inside the window still testifies.
 */
const LOOKBACK_MS = 300_000

export const canaryOf = ({ namespace, target, service }: Subject): Backend => ({
  namespace,
  workload: target,
  service: `${service}-canary`,
})

export const primaryOf = ({ namespace, primary, service }: Subject): Backend => ({
  namespace,
  workload: primary,
  service: `${service}-primary`,
})

/** The query for the raw counters of a canary, and of its primary where the two are compared. */
export function renderQuery(
  builtin: BuiltinMetric,
  subject: Subject,
  { window, isCompared }: { readonly window: Window; readonly isCompared: boolean },
): string {
  const range = renderRange(Math.max(LOOKBACK_MS, window.endMs - window.startMs))
  const backends = isCompared ? [canaryOf(subject), primaryOf(subject)] : [canaryOf(subject)]
  return backends.map((backend) => builtin.query(backend, range)).join(' or ')
}

/** What the series of a version gained in a window. */
export interface Gains {
  of(backend: Backend, window: Window): readonly Sample[]
}

/** Asks the same raw counters at the ends of the windows; each instant is asked once, however many windows meet in it. */
export async function askCounters(
  { ask }: Pick<Measuring, 'ask'>,
  builtin: BuiltinMetric,
  query: string,
  windows: readonly Window[],
): Promise<Gains | ProviderProblem> {
  const instants = [...new Set(windows.flatMap(({ startMs, endMs }) => [endMs, startMs]))]
  const answers = await Promise.all(
    instants.map(async (at): Promise<readonly [number, Answer]> => [at, await ask(query, at)]),
  )
  const samples = new Map<number, readonly Sample[]>()
  for (const [at, answer] of answers) {
    if (answer.kind !== 'samples') return answer
    samples.set(at, answer.samples)
  }
  const at = (milliseconds: number) => samples.get(milliseconds) ?? []
  return {
    of: (backend, { startMs, endMs }) =>
      increases(at(startMs), at(endMs)).filter((sample) => builtin.isOf(backend, sample)),
  }
}
