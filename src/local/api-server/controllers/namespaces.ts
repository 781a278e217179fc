import { randomUUID } from 'node:crypto'
import { backgroundDeletion, startDeletion } from '../endpoints/delete.ts'
import { isFinished } from '../endpoints/update.ts'
import { at, type JsonObject, withAt } from '../json.ts'
import { finalizersOf, isDeleting, nameOf, namespaceOf, strings, timestamp } from '../metadata.ts'
import type { Platform } from '../platform.ts'
import type { Change } from '../storage/event-log.ts'
import type { Reaction } from './deferred.ts'

const NAMESPACES = '/namespaces'
const initial = ['default', 'kube-node-lease', 'kube-public', 'kube-system']

/** The namespaces that every cluster has. */
export function ensureNamespaces(platform: Platform): void {
  for (const name of initial) {
    if (platform.store.get(NAMESPACES, name) !== undefined) continue
    platform.store.put(NAMESPACES, name, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        uid: randomUUID(),
        creationTimestamp: timestamp(platform.clock.now()),
        labels: { 'kubernetes.io/metadata.name': name },
      },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    })
  }
}

/** Gives each namespace its default service account, and empties one that is being deleted. */
export function createNamespaceReaction(platform: Platform): Reaction {
  return (change: Change) => {
    if (change.resource === NAMESPACES && change.type !== 'DELETED') tendNamespace(platform, change.key)
    const namespace = namespaceOf(change.object)
    if (change.type === 'DELETED' && namespace !== undefined) tendNamespace(platform, namespace)
  }
}

export function tendNamespace(platform: Platform, name: string): void {
  const namespace = platform.store.get(NAMESPACES, name)
  if (namespace === undefined) return
  if (isDeleting(namespace)) emptyNamespace(platform, name)
  else ensureServiceAccount(platform, name)
}

function ensureServiceAccount(platform: Platform, namespace: string): void {
  const key = `${namespace}/default`
  if (platform.store.get('/serviceaccounts', key) !== undefined) return
  platform.store.put('/serviceaccounts', key, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace, uid: randomUUID(), creationTimestamp: timestamp(platform.clock.now()) },
  })
}

function emptyNamespace(platform: Platform, name: string): void {
  for (const { resource, object } of contentOf(platform, name)) {
    const kind = platform.registry.ofStorage(resource)
    if (kind !== undefined && !isDeleting(object)) startDeletion(platform, kind, object, backgroundDeletion)
  }
  const namespace = platform.store.get(NAMESPACES, name)
  const resource = platform.registry.ofStorage(NAMESPACES)
  if (namespace === undefined || resource === undefined) return
  const left = contentOf(platform, name)
  if (left.length > 0) {
    reportRemaining(platform, namespace, left)
    return
  }
  const finalizers = strings(at(namespace, 'spec', 'finalizers')).filter((one) => one !== 'kubernetes')
  const next = withAt(namespace, ['spec', 'finalizers'], finalizers)
  if (isFinished(resource, next)) platform.store.remove(NAMESPACES, name)
  else platform.store.put(NAMESPACES, name, next)
}

const contentOf = (platform: Platform, name: string) =>
  [...platform.store.all()].filter((one) => namespaceOf(one.object) === name)

function reportRemaining(
  platform: Platform,
  namespace: JsonObject,
  left: readonly { readonly resource: string; readonly object: JsonObject }[],
): void {
  const counts = Map.groupBy(left, (one) => one.resource)
  const described = [...counts].map(([resource, items]) => {
    const [group, plural] = resource.split('/')
    return `${plural}.${group} has ${items.length} resource instances`
  })
  const held = left.filter((one) => finalizersOf(one.object).length > 0)
  const lastTransitionTime = timestamp(platform.clock.now())
  const conditions = [
    {
      type: 'NamespaceContentRemaining',
      status: 'True',
      lastTransitionTime,
      reason: 'SomeResourcesRemain',
      message: `Some resources are remaining: ${described.join(', ')}`,
    },
    {
      type: 'NamespaceFinalizersRemaining',
      status: held.length > 0 ? 'True' : 'False',
      lastTransitionTime,
      reason: held.length > 0 ? 'SomeFinalizersRemain' : 'ContentHasNoFinalizers',
      message:
        held.length > 0
          ? `Some content in the namespace has finalizers remaining: ${held.length} objects`
          : 'All content-preserving finalizers finished',
    },
  ]
  const next = withAt(namespace, ['status', 'conditions'], conditions)
  const before = at(namespace, 'status', 'conditions')
  const isSame =
    Array.isArray(before) &&
    before.length === 2 &&
    conditions.every((one, i) => at(before[i], 'message') === one.message)
  if (!isSame) platform.store.put(NAMESPACES, nameOf(namespace), next)
}
