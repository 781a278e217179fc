import type { Metric, MetricTemplate, MetricVerdict } from '../api/index.ts'

/** One check: what the Canary asks for, with the template it names. */
export interface Check {
  readonly metric: Metric
  readonly template?: MetricTemplate | undefined
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
}

export interface MeasureRequest {
  readonly subject: Subject
  readonly checks: readonly Check[]
  /** Milliseconds since 1970. */
  readonly window: {
    /** Never before the weight's acknowledgement; the end of the window before, where none of it may be missed. */
    readonly startMs: number
    readonly endMs: number
    /** When the proxies acknowledged the weight; `startMs` when absent. What settles after it is not measured. */
    readonly acknowledgedMs?: number | undefined
  }
  /** Prometheus of this Canary. */
  readonly metricsServer: string
}

export interface Analyst {
  /** One verdict per check, in order; it never throws: failures are states of the verdict. */
  measure(request: MeasureRequest, signal: AbortSignal): Promise<readonly MetricVerdict[]>
}
