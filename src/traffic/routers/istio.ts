import type { VirtualService } from '../../api/index.ts'
import type { Clock } from '../../runtime/index.ts'
import type { Router } from '../port.ts'
import {
  type Acknowledgement,
  createVirtualServiceRouter,
  type VirtualServiceRouterOptions,
} from './virtual-service.ts'

/** istiod pushes within a second; it debounces for 100 ms to 10 s under load and never tells when proxies are done. */
const SETTLE_MS = 3_000

export interface IstioRouterOptions extends Omit<VirtualServiceRouterOptions, 'acknowledged'> {
  readonly clock: Pick<Clock, 'monotonic'>
}

/** A real Istio says nothing of its proxies, so a route counts as programmed some time after it was first seen. */
export function createIstioRouter(options: IstioRouterOptions): Router {
  const seen = new Map<string, { readonly generation: number; readonly since: number }>()

  const acknowledged = ({ metadata }: VirtualService): Acknowledgement => {
    const key = metadata.uid ?? `${metadata.namespace}/${metadata.name}`
    const generation = metadata.generation ?? 0
    const known = seen.get(key)
    const now = options.clock.monotonic()
    const since = known?.generation === generation ? known.since : now
    seen.set(key, { generation, since })
    const leftMs = since + SETTLE_MS - now
    if (leftMs <= 0) return { programmed: true }
    return { programmed: false, message: 'waiting for Istio to reach its proxies', lookAgainInMs: leftMs }
  }

  return createVirtualServiceRouter({ ...options, acknowledged })
}
