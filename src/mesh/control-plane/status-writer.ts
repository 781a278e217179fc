import type { Condition } from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../runtime/index.ts'
import type { Programmed } from './programmed.ts'
import type { RoutingObject } from './routing-watch.ts'
import type { Watches } from './watches.ts'

export const conditionType = 'Programmed'

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
  return {
    find(key) {
      const [kind = '', namespace, name = ''] = key.split('/')
      return watches.routing.get(kind)?.get({ namespace, name })
    },
    async write(object, verdict) {
      const condition = nextCondition(object, verdict, new Date(clock.now()).toISOString())
      if (condition === undefined) return false
      const others = object.status?.conditions?.filter(({ type }) => type !== conditionType) ?? []
      const status = { observedGeneration: object.metadata.generation, conditions: [...others, condition] }
      await watches.routing.get(object.kind)?.patchStatus(client, object, status)
      return true
    },
  }
}

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
