import type { MetricVerdict } from '../../api/index.ts'

/** What one rule of a metric says. */
export interface Opinion {
  readonly state: MetricVerdict['state']
  /** Setting of the metric that decided. */
  readonly rule: string
  readonly message: string
}
