import { arrayAt, deepEqual, isObject, type JsonObject, objectAt, stringAt, withAt, without } from '../json.ts'
import { type Cause, forbiddenField } from '../status-error.ts'
import { fill, mapAt, mapItems } from './fill.ts'
import { completePodSpec } from './pod-defaults.ts'
import { validatePodSpec } from './pod-validation.ts'
import type { KindContext, KindRules } from './resource.ts'

/** What the admission plugins of every cluster put on a pod. */
const admitted = {
  serviceAccountName: 'default',
  serviceAccount: 'default',
  priority: 0,
  preemptionPolicy: 'PreemptLowerPriority',
  tolerations: ['not-ready', 'unreachable'].map((trouble) => ({
    effect: 'NoExecute',
    key: `node.kubernetes.io/${trouble}`,
    operator: 'Exists',
    tolerationSeconds: 300,
  })),
}

function fillDefaults(pod: JsonObject): JsonObject {
  const withSpec = mapAt(pod, ['spec'], (spec) =>
    mapItems(fill(completePodSpec(spec), { enableServiceLinks: true }), 'containers', requestLimits),
  )
  return mapAt(withSpec, ['status'], (status) => withAddresses(withAddresses(status, 'podIP'), 'hostIP'))
}

/** A limit without a request is requested. */
function requestLimits(container: JsonObject): JsonObject {
  const limits = objectAt(container, 'resources', 'limits')
  if (limits === undefined) return container
  return withAt(container, ['resources', 'requests'], { ...limits, ...objectAt(container, 'resources', 'requests') })
}

/** The list form of an address follows its single form. */
function withAddresses(status: JsonObject, field: 'podIP' | 'hostIP'): JsonObject {
  const address = stringAt(status, field)
  const listed = stringAt(arrayAt(status, `${field}s`)[0], 'ip')
  return address === undefined || address === listed ? status : { ...status, [`${field}s`]: [{ ip: address }] }
}

function complete(pod: JsonObject, context: KindContext): JsonObject {
  const completed = mapAt(pod, ['spec'], (spec) => fill(spec, admitted))
  if (context.previous !== undefined) return completed
  return withAt(completed, ['status'], { phase: 'Pending', qosClass: qosClass(completed) })
}

function qosClass(pod: JsonObject): string {
  const resources = arrayAt(pod, 'spec', 'containers').map((container) => objectAt(container, 'resources') ?? {})
  const isFilled = (one: JsonObject | undefined): boolean => one !== undefined && Object.keys(one).length > 0
  const used = resources.some((one) => isFilled(objectAt(one, 'limits')) || isFilled(objectAt(one, 'requests')))
  if (!used) return 'BestEffort'
  const guaranteed = resources.every((one) => {
    const limits = objectAt(one, 'limits')
    return (
      isFilled(limits) &&
      Object.keys(limits ?? {}).length === 2 &&
      deepEqual(limits, objectAt(one, 'requests') ?? limits)
    )
  })
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

const mutable = [
  'activeDeadlineSeconds',
  'terminationGracePeriodSeconds',
  'tolerations',
  'nodeName',
  'ephemeralContainers',
]
const immutableWords =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

function validate(pod: JsonObject, context: KindContext): readonly Cause[] {
  const spec = objectAt(pod, 'spec')
  const causes = validatePodSpec(spec, 'spec')
  const before = objectAt(context.previous, 'spec')
  if (before === undefined || spec === undefined || deepEqual(frozen(before), frozen(spec))) return causes
  return [...causes, forbiddenField('spec', immutableWords)]
}

/** The parts of a spec that never change. nodeName is let through: the platform has no binding step of its own. */
function frozen(spec: JsonObject): JsonObject {
  const images = (key: string): JsonObject[] =>
    arrayAt(spec, key)
      .filter(isObject)
      .map((container) => without(container, 'image'))
  return { ...without(spec, ...mutable), containers: images('containers'), initContainers: images('initContainers') }
}

export const podRules: KindRules = { fillDefaults, complete, validate }
