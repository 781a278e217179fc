import type { Canary, HttpRoute, VirtualService } from '../api/index.ts'
import { isSameJson } from '../base/index.ts'
import { disown } from './ownership.ts'
import { serviceNamesOf } from './service-names.ts'
import { keepForeignFields, renderLimits, SPLIT_RULE } from './translate.ts'

/** A VirtualService that needs no other Service than the apex, and no Canary where it publishes more than that. */
export function renderReleased(canary: Canary, existing: VirtualService): VirtualService {
  const { apex } = serviceNamesOf(canary)
  const rule: HttpRoute = { name: SPLIT_RULE, route: [{ destination: { host: apex } }], ...renderLimits(canary) }
  const http = [keepForeignFields(rule, existing.spec.http ?? [])]
  const released = { ...existing, spec: { ...existing.spec, http } }
  return publishesMore(existing, apex) ? disown(released, canary) : released
}

/** Without the route a gateway, or another host name, would lead nowhere. */
const publishesMore = ({ spec }: VirtualService, apex: string): boolean =>
  (spec.gateways ?? []).some((gateway) => gateway !== 'mesh') || (spec.hosts ?? []).some((host) => host !== apex)

/** Nothing would be written anew. */
export const isReleased = (canary: Canary, existing: VirtualService): boolean =>
  isSameJson(renderReleased(canary, existing), existing)
