import { ENVOY_FLUSH_MS, MESH_FLUSH_MS } from '../../window.ts'
import { requestDurationAfter } from '../mesh/request-duration.ts'
import { requestSuccessRate } from '../mesh/request-success-rate.ts'
import type { DataPlane } from './data-plane.ts'

/** The bundled mesh exports the series of Istio. */
export const mesh: DataPlane = {
  'request-success-rate': requestSuccessRate,
  'request-duration': requestDurationAfter(MESH_FLUSH_MS),
}

export const istio: DataPlane = { ...mesh, 'request-duration': requestDurationAfter(ENVOY_FLUSH_MS) }
