import { apiVersionOf, type KubernetesObject, type ResourceKind } from '../api/index.ts'
import type { Random } from './backoff.ts'
import { createCredentialSource, type KubeConfigSource } from './credentials.ts'
import { listAll } from './list.ts'
import { type KubeClient, KubeError, type ObjectRef } from './port.ts'
import { collectionPath, describeRef, namespaceOf, objectPath } from './resource-path.ts'
import { createTransport, defaultLimits, type Transport, type TransportLimits } from './transport.ts'
import { watchKind } from './watch.ts'

export interface KubeClientOptions {
  /** A path, a loaded KubeConfig or a connection; found as kubectl does when absent. */
  readonly kubeconfig?: KubeConfigSource
  /** Owner of the fields we write, as it shows in managedFields. */
  readonly fieldManager: string
  readonly limits?: Partial<TransportLimits>
  readonly random?: Random
}

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const

/** The Kubernetes API over one pool of connections. Nothing is read or connected before the first call. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const transport = createTransport(
    createCredentialSource(options.kubeconfig),
    { ...defaultLimits, ...options.limits },
    `${options.fieldManager} (sluice)`,
  )
  const random = options.random ?? Math.random
  return {
    ...readsOf(transport, random),
    ...writesOf(transport, options.fieldManager),
  }
}

function readsOf(transport: Transport, random: Random): Pick<KubeClient, 'get' | 'list' | 'watch' | 'watchList'> {
  return {
    async get<T extends KubernetesObject>(kind: ResourceKind<T>, ref: ObjectRef) {
      const what = `get ${describeRef(kind, ref)}`
      try {
        return toObject(kind, await transport.request({ what, method: 'GET', path: objectPath(kind, ref) }))
      } catch (error) {
        if (isObjectNotFound(error)) return undefined
        throw error
      }
    },
    list: (kind, listOptions) => listAll(transport, kind, listOptions ?? {}),
    watch: (kind, watchOptions, signal) => watchKind({ transport, random, kind, options: watchOptions, signal }),
    watchList: (kind, listOptions, signal) => watchKind({ transport, random, kind, options: listOptions, signal }),
  }
}

function writesOf(
  transport: Transport,
  fieldManager: string,
): Pick<KubeClient, 'create' | 'replace' | 'patch' | 'apply' | 'delete'> {
  return {
    async create(kind, object) {
      const what = `create ${describeRef(kind, object.metadata)}`
      const path = collectionPath(kind, namespaceOf(kind, object.metadata.namespace))
      return toObject(
        kind,
        await transport.request({ what, method: 'POST', path, query: { fieldManager }, body: object }),
      )
    },
    async replace(kind, object, subresource) {
      const what = `replace ${describeRef(kind, object.metadata)}`
      const path = objectPath(kind, object.metadata, subresource)
      return toObject(
        kind,
        await transport.request({ what, method: 'PUT', path, query: { fieldManager }, body: object }),
      )
    },
    async patch(kind, ref, patch, { type, subresource }) {
      const what = `patch ${describeRef(kind, ref)}`
      const path = objectPath(kind, ref, subresource)
      const contentType = PATCH_TYPES[type]
      const query = { fieldManager }
      return toObject(kind, await transport.request({ what, method: 'PATCH', path, query, body: patch, contentType }))
    },
    async apply(kind, object, { force = false, subresource } = {}) {
      const what = `apply ${describeRef(kind, object.metadata)}`
      const path = objectPath(kind, object.metadata, subresource)
      const { managedFields: _, ...metadata } = object.metadata
      const body = { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata }
      const contentType = 'application/apply-patch+yaml'
      const query = { fieldManager, force }
      return toObject(kind, await transport.request({ what, method: 'PATCH', path, query, body, contentType }))
    },
    async delete(kind, ref, { propagationPolicy = 'Background', uid, gracePeriodSeconds } = {}) {
      const what = `delete ${describeRef(kind, ref)}`
      const preconditions = uid === undefined ? {} : { preconditions: { uid } }
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, ...preconditions, gracePeriodSeconds }
      try {
        await transport.request({ what, method: 'DELETE', path: objectPath(kind, ref), body })
      } catch (error) {
        if (!isObjectNotFound(error)) throw error
      }
    },
  }
}

/** A missing object, not a kind that the server does not know: that one must not look like an empty cluster. */
function isObjectNotFound(error: unknown): boolean {
  if (!(error instanceof KubeError) || error.code !== 404) return false
  return error.details !== undefined && 'name' in error.details
}

/** Objects are trusted to have the shape of their kind: the API server has validated them. */
function toObject<T extends KubernetesObject>(kind: ResourceKind<T>, answer: unknown): T {
  const object = answer as T
  return object.kind === undefined ? { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind } : object
}
