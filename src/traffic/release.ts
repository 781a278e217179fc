import { type Canary, type HttpRoute, movesConnections, type VirtualService } from '../api/index.ts'
import { isSameJson } from '../base/index.ts'
import { destinationOf } from './destination.ts'
import { disown } from './ownership.ts'
import { matchOf } from './request-match.ts'
import { keepForeignFields, SPLIT_RULE } from './route-fields.ts'
import { renderPolicies } from './route-policies.ts'
import { serviceNamesOf } from './service-names.ts'

/** A VirtualService that needs no other Service than the apex, and no Canary where it publishes more than that. */
export function renderReleased(canary: Canary, existing: VirtualService): VirtualService {
  const { apex } = serviceNamesOf(canary)
  const released = { ...existing, spec: renderRoutes(canary, existing) }
  return publishesMore(existing, apex) ? disown(released, canary) : released
}

function renderRoutes(canary: Canary, existing: VirtualService): VirtualService['spec'] {
  const route = [{ destination: destinationOf(canary, serviceNamesOf(canary).apex) }]
  if (movesConnections(canary.spec.service)) {
    const { http: _, ...others } = existing.spec
    return { ...others, tcp: [{ route }] }
  }
  const rule: HttpRoute = { name: SPLIT_RULE, ...matchOf(canary), route, ...renderPolicies(canary) }
  return { ...existing.spec, http: keepForeignFields([rule], existing) }
}

/** Without the route a gateway, another host name, or whoever delegates to it would lead nowhere. */
const publishesMore = ({ spec }: VirtualService, apex: string): boolean =>
  (spec.hosts ?? []).length === 0 ||
  (spec.gateways ?? []).some((gateway) => gateway !== 'mesh') ||
  (spec.hosts ?? []).some((host) => host !== apex)

/** Nothing would be written anew. */
export const isReleased = (canary: Canary, existing: VirtualService): boolean =>
  isSameJson(renderReleased(canary, existing), existing)
