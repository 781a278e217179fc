import { requestDuration } from './mesh/request-duration.ts'
import { requestSuccessRate } from './mesh/request-success-rate.ts'
import type { BuiltinMetric } from './metric.ts'

/** Metrics that a Canary may name without a template. The bundled mesh and Istio export the same series. */
export const builtinMetrics: ReadonlyMap<string, BuiltinMetric> = new Map([
  ['request-success-rate', requestSuccessRate],
  ['request-duration', requestDuration],
])
