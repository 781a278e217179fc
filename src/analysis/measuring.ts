import type { MetricMemory, MetricTemplate, MetricVerdict } from '../api/index.ts'
import type { Opinion } from './judge/opinion.ts'
import type { Check, MeasureRequest } from './port.ts'
import type { Answer } from './provider.ts'
import type { Window } from './window.ts'

/** One check under way. */
export interface Measuring {
  readonly check: Check
  readonly request: MeasureRequest
  readonly scrapeIntervalMs: number
  /** Asks the Prometheus of the Canary. */
  ask(query: string, atMs: number): Promise<Answer>
  /** Asks the server of a template, for the newest value in the window. */
  askTemplate(template: MetricTemplate, query: string, window: Window): Promise<Answer>
}

/** What came of it: the verdict but for the parts that only repeat the check. */
export interface Finding
  extends Pick<MetricVerdict, 'state' | 'query' | 'message' | 'value' | 'unit' | 'requests' | 'errors' | 'comparison'> {
  readonly window: Window
  /** What each rule of the metric says, where there is more than one. */
  readonly opinions?: readonly Opinion[]
  /** The comparison with the primary so far. */
  readonly evidence?: MetricMemory['evidence']
  readonly isPending?: boolean | undefined
}
