import { apiVersionOf, type ResourceKind } from '../api/index.ts'
import { KubeError, type ObjectRef } from './port.ts'

/** The path of a kind's collection, of one namespace or of all. */
export function collectionPath(kind: ResourceKind, namespace: string | undefined): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const scope = kind.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${kind.plural}`
}

export function objectPath(kind: ResourceKind, ref: ObjectRef, subresource?: string): string {
  if (ref.name === '') throw incomplete(kind, 'metadata.name is empty')
  const path = `${collectionPath(kind, namespaceOf(kind, ref.namespace))}/${encodeURIComponent(ref.name)}`
  return subresource === undefined ? path : `${path}/${subresource}`
}

/** The namespace a single object is addressed in: required exactly when the kind has one. */
export function namespaceOf(kind: ResourceKind, namespace: string | undefined): string | undefined {
  if (!kind.namespaced) return undefined
  if (namespace === undefined || namespace === '') throw incomplete(kind, 'metadata.namespace is missing')
  return namespace
}

const incomplete = (kind: ResourceKind, problem: string): KubeError =>
  new KubeError(`${kind.kind} of ${apiVersionOf(kind)}: ${problem}`, {
    code: 400,
    reason: 'BadRequest',
    retry: 'never',
  })

/** `Canary default/web`, for messages. */
export const describeRef = (kind: ResourceKind, ref: ObjectRef): string =>
  `${kind.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`
