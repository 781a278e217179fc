import { type Canary, type VirtualService, virtualServiceKind } from '../../api/index.ts'
import { type Keep, keepLast, remember } from '../../base/index.ts'
import type { Reflector } from '../../kube/index.ts'
import { foreignOwner, handOver } from '../ownership.ts'
import type { Router, TrafficObservation } from '../port.ts'
import { isReleased, renderReleased } from '../release.ts'
import { serviceNamesOf } from '../service-names.ts'
import { isAsRendered, readTraffic, renderVirtualService } from '../translate.ts'
import { createTrafficPolicies, type TrafficPolicyOptions } from './traffic-policy.ts'

export interface VirtualServiceRouterOptions extends TrafficPolicyOptions {
  readonly virtualServices: Pick<Reflector<VirtualService>, 'get' | 'overlay'>
  /** How this data plane tells that its proxies have the object. */
  readonly acknowledged: (virtualService: VirtualService) => Acknowledgement
}

export type Acknowledgement = Pick<TrafficObservation, 'programmed' | 'message' | 'lookAgainInMs'>

/** Every data plane that reads Istio's VirtualService; they differ in how they acknowledge. */
export function createVirtualServiceRouter(options: VirtualServiceRouterOptions): Router {
  const { client, virtualServices } = options
  const policies = createTrafficPolicies(options)
  const find = (canary: Canary) =>
    virtualServices.get({ namespace: canary.metadata.namespace, name: serviceNamesOf(canary).apex })

  return {
    observe(canary) {
      const existing = find(canary)
      const policy = policies.observe(canary)
      const owner = foreignOwner(existing, canary) ?? policy.foreign
      const foreign = owner === undefined ? {} : { foreign: owner }
      if (existing === undefined) return { ...noRoute, ...foreign }
      const decidedAt = existing.metadata.annotations?.[decidedAtAnnotation]
      const { traffic, hold, isAsWanted } = readRoute(canary, existing)
      return {
        traffic,
        hold,
        current: policy.current && isAsWanted,
        ...options.acknowledged(existing),
        ...foreign,
        ...(decidedAt === undefined ? {} : { decidedAt }),
      }
    },

    async write(canary, traffic, decidedAt) {
      await policies.write(canary)
      const existing = find(canary)
      if (existing && isAsRendered(canary, traffic, existing)) return
      const wanted = withDecision(renderVirtualService(canary, traffic, existing), decidedAt)
      const written = existing
        ? await client.replace(virtualServiceKind, wanted)
        : await client.create(virtualServiceKind, wanted)
      virtualServices.overlay(written)
    },

    async release(canary) {
      const existing = find(canary)
      if (existing === undefined || isReleased(canary, existing)) return
      const released = withoutDecision(renderReleased(canary, existing))
      virtualServices.overlay(await client.replace(virtualServiceKind, released))
    },

    async handOver(canary) {
      await policies.handOver(canary)
      const handedOver = handOver(find(canary), canary)
      if (handedOver) virtualServices.overlay(await client.replace(virtualServiceKind, handedOver))
    },
  }
}

interface Route extends Pick<TrafficObservation, 'traffic' | 'hold'> {
  readonly isAsWanted: boolean
}

const keptRoutes = remember((_: VirtualService): Keep<Route> => keepLast())

/** Read once for each state of the object and each spec: most passes are woken by something else. */
function readRoute(canary: Canary, existing: VirtualService): Route {
  const { name, uid } = canary.metadata
  return keptRoutes(existing)([canary.spec, name, uid], () => {
    const traffic = readTraffic(existing, serviceNamesOf(canary))
    const isAsWanted = traffic !== undefined && isAsRendered(canary, traffic, existing)
    return { traffic, hold: isReleased(canary, existing) ? 'released' : 'held', isAsWanted }
  })
}

const noRoute = { traffic: undefined, hold: 'none', current: false, programmed: false } as const

/** Resource versions of the records that the route was decided on. */
const decidedAtAnnotation = 'sluice.dev/decided-at'

function withDecision(virtualService: VirtualService, decidedAt: string | undefined): VirtualService {
  if (decidedAt === undefined) return virtualService
  const { metadata } = virtualService
  const annotations = { ...metadata.annotations, [decidedAtAnnotation]: decidedAt }
  return { ...virtualService, metadata: { ...metadata, annotations } }
}

function withoutDecision(virtualService: VirtualService): VirtualService {
  const { annotations: { [decidedAtAnnotation]: _, ...annotations } = {}, ...metadata } = virtualService.metadata
  return { ...virtualService, metadata: { ...metadata, annotations } }
}
