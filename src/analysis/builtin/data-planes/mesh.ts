import { requestDuration } from '../mesh/request-duration.ts'
import { requestSuccessRate } from '../mesh/request-success-rate.ts'
import type { DataPlane } from './data-plane.ts'

/** The bundled mesh exports the series of Istio. */
export const mesh: DataPlane = { 'request-success-rate': requestSuccessRate, 'request-duration': requestDuration }
