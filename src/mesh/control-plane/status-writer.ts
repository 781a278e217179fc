import {
  type Condition,
  type DestinationRule,
  destinationRuleKind,
  type Gateway,
  gatewayKind,
  type KubernetesObject,
  type ResourceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../runtime/index.ts'
import type { Programmed } from './programmed.ts'
import type { Watches } from './watches.ts'

export const conditionType = 'Programmed'

export type RoutingObject = VirtualService | DestinationRule | Gateway

export const conditionOf = (object: RoutingObject): Condition | undefined =>
  object.status?.conditions?.find(({ type }) => type === conditionType)

/** True when the condition says so of the object as it is now. */
export const isSettled = (object: RoutingObject): boolean =>
  conditionOf(object)?.observedGeneration === object.metadata.generation

/** Writes the condition of a routing object, but only when it says something new. */
export interface StatusWriter {
  find(key: string): RoutingObject | undefined
  write(object: RoutingObject, verdict: Extract<Programmed, { kind: 'decided' }>): Promise<boolean>
}

export function createStatusWriter(client: Pick<KubeClient, 'patch'>, watches: Watches, clock: Clock): StatusWriter {
  const patch = async <T extends RoutingObject & KubernetesObject>(
    kind: ResourceKind<T>,
    object: T,
    status: object,
  ) => {
    const { name, namespace, resourceVersion } = object.metadata
    // With the version that was judged: a newer object is judged anew.
    const body = { metadata: { resourceVersion }, status }
    return await client.patch(kind, { name, namespace }, body, { type: 'merge', subresource: 'status' })
  }
  return {
    find(key) {
      const [kind, namespace, name] = key.split('/')
      const ref = { namespace, name: name ?? '' }
      if (kind === virtualServiceKind.kind) return watches.virtualServices.get(ref)
      return kind === destinationRuleKind.kind ? watches.destinationRules.get(ref) : watches.gateways.get(ref)
    },
    async write(object, verdict) {
      const condition = nextCondition(object, verdict, new Date(clock.now()).toISOString())
      if (condition === undefined) return false
      const others = object.status?.conditions?.filter(({ type }) => type !== conditionType) ?? []
      const status = { observedGeneration: object.metadata.generation, conditions: [...others, condition] }
      if (isKind(object, virtualServiceKind))
        watches.virtualServices.overlay(await patch(virtualServiceKind, object, status))
      else if (isKind(object, gatewayKind)) watches.gateways.overlay(await patch(gatewayKind, object, status))
      else if (isKind(object, destinationRuleKind)) {
        watches.destinationRules.overlay(await patch(destinationRuleKind, object, status))
      }
      return true
    },
  }
}

const isKind = <T extends RoutingObject>(object: RoutingObject, kind: ResourceKind<T>): object is T =>
  object.kind === kind.kind

function nextCondition(
  object: RoutingObject,
  { isProgrammed, reason, message }: Extract<Programmed, { kind: 'decided' }>,
  now: string,
): Condition | undefined {
  const last = conditionOf(object)
  const status = isProgrammed ? 'True' : 'False'
  const generation = object.metadata.generation
  const isSame = last?.status === status && last.reason === reason && last.message === message
  if (isSame && last.observedGeneration === generation) return undefined
  return {
    type: conditionType,
    status,
    reason,
    message,
    lastTransitionTime: last?.status === status ? last.lastTransitionTime : now,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  }
}
