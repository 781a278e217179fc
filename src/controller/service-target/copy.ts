import { apiVersionOf, type Canary, type Service, serviceKind } from '../../api/index.ts'
import { canonicalJson } from '../../base/index.ts'
import { releasedSpec, revisionOfService } from '../../canary/index.ts'
import { adopt, marksOf, placeBeside } from '../../traffic/index.ts'

/** The EndpointSlices of a Service carry its labels: those with this one follow the selector that was written with it. */
export const revisionLabel = 'sluice.dev/revision'

/** The Service of one version: it leads where the target says, inside the cluster only. */
export function renderCopy(canary: Canary, name: string, target: Service, existing: Service | undefined): Service {
  const labels = { ...existing?.metadata.labels, [revisionLabel]: revisionOfService(target) }
  const spec = { ...addressesOf(target, existing), ...releasedSpec(target) }
  if (existing) return { ...existing, metadata: { ...adopt(existing, canary).metadata, labels }, spec }
  return {
    apiVersion: apiVersionOf(serviceKind),
    kind: serviceKind.kind,
    metadata: { ...placeBeside(canary, name), labels, annotations: marksOf(canary) },
    spec,
  }
}

/** What the API server gave a Service, and keeps for it as long as it has endpoints. */
function addressesOf(target: Service, existing: Service | undefined): Service['spec'] {
  if (existing === undefined || target.spec.type === 'ExternalName') return {}
  const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy } = existing.spec
  const addresses = { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy }
  return Object.fromEntries(Object.entries(addresses).filter(([, value]) => value !== undefined))
}

export const isCopyOf = (canary: Canary, target: Service, existing: Service | undefined): boolean =>
  existing !== undefined && isSame(renderCopy(canary, existing.metadata.name, target, existing), existing)

const isSame = (one: Service, other: Service): boolean =>
  canonicalJson([one.spec, one.metadata.labels]) === canonicalJson([other.spec, other.metadata.labels])
