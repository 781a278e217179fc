import { type ResourceType, typeUrls } from '../../src/mesh/envoy/index.ts'
import type { DeltaRequest, DeltaResponse, SnapshotResource } from '../../src/mesh/xds/index.ts'

/** A proxy as Envoy behaves on incremental streams: what it holds, what it waits for, what it asks. */
export interface DeltaProxy {
  /** Requests that are on their way to the server, oldest first. */
  readonly outbox: DeltaRequest[]
  readonly holds: Readonly<Record<ResourceType, Map<string, SnapshotResource>>>
  /** Clusters (listeners) that got no endpoints (routes) since they came or changed. */
  readonly warming: { readonly cluster: Set<string>; readonly listener: Set<string> }
  /** Opens a stream; what it holds from an earlier one it tells of. */
  connect(): void
  receive(response: DeltaResponse): void
}

const dependents = { cluster: 'endpoints', listener: 'routes' } as const

export function createDeltaProxy(rejects: (response: DeltaResponse) => boolean): DeltaProxy {
  const outbox: DeltaRequest[] = []
  const holds = {
    cluster: new Map<string, SnapshotResource>(),
    endpoints: new Map<string, SnapshotResource>(),
    listener: new Map<string, SnapshotResource>(),
    routes: new Map<string, SnapshotResource>(),
    secret: new Map<string, SnapshotResource>(),
  }
  const warming = { cluster: new Set<string>(), listener: new Set<string>() }
  const subscribed = { endpoints: new Set<string>(), routes: new Set<string>() }

  const ask = (type: ResourceType, fields: Partial<DeltaRequest>): void => {
    const nothing = { subscribe: [], unsubscribe: [], initialVersions: {}, responseNonce: '' }
    outbox.push({ typeUrl: typeUrls[type], ...nothing, ...fields })
  }

  /** Names that are new to the proxy are asked for; a name that it watches already is not, whatever else changed. */
  const resubscribe = (type: 'endpoints' | 'routes', owners: 'cluster' | 'listener'): void => {
    const wanted = new Set([...holds[owners].values()].flatMap(({ needs }) => needs))
    const subscribe = [...wanted].filter((name) => !subscribed[type].has(name))
    const unsubscribe = [...subscribed[type]].filter((name) => !wanted.has(name))
    for (const name of unsubscribe) holds[type].delete(name)
    subscribed[type] = wanted
    if (subscribe.length + unsubscribe.length > 0) ask(type, { subscribe, unsubscribe })
  }

  const takeOwners = (type: 'cluster' | 'listener', { resources, removed }: DeltaResponse): void => {
    for (const resource of resources) {
      holds[type].set(resource.name, resource)
      // A listener finds the routes of the one before it; a cluster waits for its endpoints to be sent again.
      const isWaiting = resource.needs.some((name) => type === 'cluster' || !holds.routes.has(name))
      if (isWaiting) warming[type].add(resource.name)
    }
    for (const name of removed) {
      holds[type].delete(name)
      warming[type].delete(name)
    }
    resubscribe(dependents[type], type)
  }

  const takeNamed = (type: 'endpoints' | 'routes', { resources }: DeltaResponse): void => {
    const owners = type === 'endpoints' ? 'cluster' : 'listener'
    for (const resource of resources.filter(({ name }) => subscribed[type].has(name))) {
      holds[type].set(resource.name, resource)
      const waiting = [...holds[owners].values()].filter(({ needs }) => needs.includes(resource.name))
      for (const { name } of waiting) warming[owners].delete(name)
    }
  }

  return {
    outbox,
    holds,
    warming,
    connect() {
      outbox.length = 0
      const versions = (type: ResourceType) =>
        Object.fromEntries([...holds[type]].map(([name, { version }]) => [name, version]))
      for (const type of ['cluster', 'endpoints', 'listener', 'routes'] as const) {
        const names = type === 'endpoints' || type === 'routes' ? [...subscribed[type]] : []
        const isNeeded = names.length > 0 || type === 'cluster' || type === 'listener'
        if (isNeeded) ask(type, { subscribe: names, initialVersions: versions(type) })
      }
    },
    receive(response) {
      const { type, nonce } = response
      if (rejects(response)) return ask(type, { responseNonce: nonce, error: 'no' })
      if (type === 'cluster' || type === 'listener') takeOwners(type, response)
      else if (type === 'endpoints' || type === 'routes') takeNamed(type, response)
      ask(type, { responseNonce: nonce })
    },
  }
}
