import type { VirtualService } from '../../api/index.ts'
import type { Router } from '../port.ts'
import {
  type Acknowledgement,
  createVirtualServiceRouter,
  type VirtualServiceRouterOptions,
} from './virtual-service.ts'

/** The bundled mesh: it writes the condition `Programmed` when every proxy concerned has acknowledged the route. */
export const createMeshRouter = (options: Omit<VirtualServiceRouterOptions, 'acknowledged'>): Router =>
  createVirtualServiceRouter({ ...options, acknowledged: isProgrammed })

function isProgrammed({ metadata, status }: VirtualService): Acknowledgement {
  const condition = status?.conditions?.find(({ type }) => type === 'Programmed')
  if (condition === undefined) return { programmed: false, message: 'the mesh has not seen the route yet' }
  const observed = condition.observedGeneration ?? status?.observedGeneration
  if (observed !== metadata.generation) return { programmed: false, message: 'the mesh has not seen the route yet' }
  return condition.status === 'True' ? { programmed: true } : { programmed: false, message: condition.message }
}
