import type { BuiltinMetric } from '../metric.ts'

/** The built-in metrics of one data plane, by the names that Canaries use. */
export type DataPlane = Readonly<Record<'request-success-rate' | 'request-duration', BuiltinMetric>>
