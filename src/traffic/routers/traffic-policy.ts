import { apiVersionOf, type Canary, type DestinationRule, destinationRuleKind } from '../../api/index.ts'
import { hashValue, isEqual, isRecord } from '../../base/index.ts'
import type { KubeClient, Reflector } from '../../kube/index.ts'
import { foreignOwner, handOver, isControlled, isOwned, marksOf, placeBeside } from '../ownership.ts'
import { serviceNamesOf } from '../service-names.ts'

export interface TrafficPolicyOptions {
  readonly client: Pick<KubeClient, 'create' | 'replace' | 'delete'>
  readonly destinationRules: Pick<Reflector<DestinationRule>, 'get' | 'overlay'>
}

/** The DestinationRules of both versions: there where the Canary has a `trafficPolicy`, and only then. */
export interface TrafficPolicies {
  /** `foreign` says which of them is somebody else's, and says something else. */
  observe(canary: Canary): { readonly current: boolean; readonly foreign?: string }
  write(canary: Canary): Promise<void>
  handOver(canary: Canary): Promise<void>
}

/** Hash of the policy as it was written: an API server drops what its CRD does not know. */
const policyAnnotation = 'sluice.dev/traffic-policy'

export function createTrafficPolicies({ client, destinationRules }: TrafficPolicyOptions): TrafficPolicies {
  const rulesOf = (canary: Canary) => {
    const { primary, canary: name } = serviceNamesOf(canary)
    const { namespace } = canary.metadata
    return [primary, name].map((host) => ({ host, existing: destinationRules.get({ namespace, name: host }) }))
  }

  async function writeRule(canary: Canary, host: string, existing: DestinationRule | undefined): Promise<void> {
    const wanted = renderRule(canary, host, existing)
    if (wanted === undefined) return removeRule(existing)
    const written = existing
      ? await client.replace(destinationRuleKind, wanted)
      : await client.create(destinationRuleKind, wanted)
    destinationRules.overlay(written)
  }

  async function removeRule(existing: DestinationRule | undefined): Promise<void> {
    if (existing === undefined) return
    const { namespace, name, uid } = existing.metadata
    await client.delete(destinationRuleKind, { namespace, name }, uid === undefined ? {} : { uid })
  }

  return {
    observe(canary) {
      // What was written serves until the Canary is gone.
      if (canary.metadata.deletionTimestamp !== undefined) return { current: true }
      const rules = rulesOf(canary)
      const foreign = rules
        .map(({ host, existing }) => findForeign(canary, host, existing))
        .find((one) => one !== undefined)
      const current = rules.every(({ host, existing }) => isAsWanted(canary, host, existing))
      return { current, ...(foreign === undefined ? {} : { foreign }) }
    },

    async write(canary) {
      if (canary.metadata.deletionTimestamp !== undefined) return
      for (const { host, existing } of rulesOf(canary)) {
        if (!isAsWanted(canary, host, existing)) await writeRule(canary, host, existing)
      }
    },

    async handOver(canary) {
      for (const { existing } of rulesOf(canary)) {
        const rule = handOver(existing, canary)
        if (rule) destinationRules.overlay(await client.replace(destinationRuleKind, rule))
      }
    },
  }
}

/** Undefined where there should be none. */
function renderRule(canary: Canary, host: string, existing: DestinationRule | undefined): DestinationRule | undefined {
  const { trafficPolicy } = canary.spec.service
  if (trafficPolicy === undefined) return undefined
  const metadata = existing?.metadata ?? placeBeside(canary, host)
  const annotations = { ...metadata.annotations, ...marksOf(canary), [policyAnnotation]: hashValue(trafficPolicy) }
  return {
    ...(existing ?? { apiVersion: apiVersionOf(destinationRuleKind), kind: destinationRuleKind.kind }),
    metadata: { ...metadata, annotations },
    spec: { ...existing?.spec, host, trafficPolicy },
  }
}

function isAsWanted(canary: Canary, host: string, existing: DestinationRule | undefined): boolean {
  const { trafficPolicy } = canary.spec.service
  if (existing === undefined) return trafficPolicy === undefined
  if (trafficPolicy === undefined) return !isOwned(existing, canary)
  if (isSaying(existing, host, trafficPolicy)) return true
  const isWritten = existing.metadata.annotations?.[policyAnnotation] === hashValue(trafficPolicy)
  return isWritten && existing.spec.host === host && isPart(existing.spec.trafficPolicy, trafficPolicy)
}

/** Somebody's own rule that says the same stays as it is. */
function findForeign(canary: Canary, host: string, existing: DestinationRule | undefined): string | undefined {
  const { trafficPolicy } = canary.spec.service
  if (existing === undefined || trafficPolicy === undefined) return undefined
  if (isOwned(existing, canary) || isControlled(existing, canary)) return undefined
  if (isSaying(existing, host, trafficPolicy)) return undefined
  const owner = foreignOwner(existing, canary) ?? `DestinationRule ${host} was not made for this Canary`
  return `${owner}: delete it, or take spec.service.trafficPolicy out`
}

const isSaying = ({ spec }: DestinationRule, host: string, trafficPolicy: object): boolean =>
  spec.host === host && isEqual(spec.trafficPolicy, trafficPolicy)

/** Whether every value of one is in the other. */
function isPart(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => isPart(item, other[index]))
  }
  if (!isRecord(one) || !isRecord(other)) return isEqual(one, other)
  return Object.keys(one).every((key) => Object.hasOwn(other, key) && isPart(one[key], other[key]))
}
