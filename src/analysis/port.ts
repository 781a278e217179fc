import type {
  GuardSettings,
  Metric,
  MetricMemory,
  MetricsProvider,
  MetricTemplate,
  MetricVerdict,
} from '../api/index.ts'

/** One check: what the Canary asks for, with the template it names. */
export interface Check {
  readonly metric: Metric
  readonly template?: MetricTemplate | undefined
  /** What its earlier checks in this run left. */
  readonly memory?: MetricMemory | undefined
}

/** What is measured. */
export interface Subject {
  readonly canary: string
  readonly namespace: string
  /** Workload of the new version. */
  readonly target: string
  readonly primary: string
  /** Apex Service. */
  readonly service: string
  /** Whose metrics the built-in ones read; those of the mesh when absent. */
  readonly metricsProvider?: MetricsProvider | undefined
}

export interface MeasureRequest {
  readonly subject: Subject
  readonly checks: readonly Check[]
  /** Milliseconds since 1970; `startMs` is the weight's acknowledgement: what settles after it is not measured. */
  readonly window: { readonly startMs: number; readonly endMs: number }
  /** Share of the requests that the route gives the new version; absent where it gives none. */
  readonly canaryShare?: number | undefined
  /** CanaryRun that the check belongs to; none outside of a release. */
  readonly run?: { readonly name: string; readonly uid: string } | undefined
  /** The same for every attempt at one check: what is begun for it is begun once. The window's end when absent. */
  readonly checkId?: string | undefined
  /** Prometheus of this Canary. */
  readonly metricsServer: string
  /** Set between two checks: only what rolls back at once is looked for, in the requests since then. */
  readonly early?: { readonly sinceMs: number; readonly settings: GuardSettings } | undefined
}

/** A verdict, and what the next check of the metric must know; who records the one records the other. */
export interface Measured extends MetricVerdict {
  readonly memory?: MetricMemory | undefined
  /** No verdict yet: what was begun is not finished. The same request with the same `checkId` asks on. */
  readonly isPending?: boolean | undefined
}

export interface Analyst {
  /** One verdict per check, in order; it never throws: failures are states of the verdict. */
  measure(request: MeasureRequest, signal: AbortSignal): Promise<readonly Measured[]>
}
