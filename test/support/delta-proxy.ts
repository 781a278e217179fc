import { eachType, type ResourceType, tableOfVirtualHost, typeUrls } from '../../src/mesh/envoy/index.ts'
import type { DeltaRequest, DeltaResponse, SnapshotResource } from '../../src/mesh/xds/index.ts'

/** A proxy as Envoy behaves on incremental streams: what it holds, what it waits for, what it asks. */
export interface DeltaProxy {
  /** Requests that are on their way to the server, oldest first. */
  readonly outbox: DeltaRequest[]
  readonly holds: Readonly<Record<ResourceType, Map<string, SnapshotResource>>>
  /** Clusters (listeners) that got no endpoints (routes, with their virtual hosts) since they came or changed. */
  readonly warming: { readonly cluster: Set<string>; readonly listener: Set<string> }
  /** Opens a stream; what it holds from an earlier one it tells of. */
  connect(): void
  receive(response: DeltaResponse): void
}

const dependents = { cluster: 'endpoints', listener: 'routes' } as const

export function createDeltaProxy(rejects: (response: DeltaResponse) => boolean): DeltaProxy {
  const outbox: DeltaRequest[] = []
  const holds = eachType(() => new Map<string, SnapshotResource>())
  /** Versions of all virtual hosts that it was sent, those without a table included. */
  const sentHosts = new Map<string, string>()
  let wantsHosts = false
  let connects = 0
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
    for (const name of holds.virtualHost.keys())
      if (unsubscribe.includes(tableOfVirtualHost(name))) holds.virtualHost.delete(name)
    subscribed[type] = wanted
    if (subscribe.length + unsubscribe.length > 0) ask(type, { subscribe, unsubscribe })
  }

  const isWarm = (table: string): boolean => {
    const held = holds.routes.get(table)
    if (held === undefined) return false
    return held.needs.length === 0 || [...holds.virtualHost.keys()].some((name) => tableOfVirtualHost(name) === table)
  }

  const askForHosts = (): void => {
    const isFirst = !wantsHosts && [...holds.routes.values()].some(({ needs }) => needs.length > 0)
    if (!isFirst) return
    wantsHosts = true
    ask('virtualHost', {})
  }

  /** Two hosts of one table would catch all: Envoy takes no domain twice. */
  const clashes = ({ type, resources, removed }: DeltaResponse): boolean => {
    if (type !== 'virtualHost') return false
    const known = resources.map(({ name }) => name).filter((name) => holds.routes.has(tableOfVirtualHost(name)))
    const after = new Set([...holds.virtualHost.keys()].filter((name) => !removed.includes(name)).concat(known))
    const tables = [...after].filter((name) => name.includes('/any')).map(tableOfVirtualHost)
    return new Set(tables).size < tables.length
  }

  const takeHosts = ({ resources, removed }: DeltaResponse): void => {
    for (const resource of resources) {
      sentHosts.set(resource.name, resource.version)
      if (holds.routes.has(tableOfVirtualHost(resource.name))) holds.virtualHost.set(resource.name, resource)
    }
    for (const name of removed) {
      sentHosts.delete(name)
      holds.virtualHost.delete(name)
    }
    for (const { name, needs } of holds.listener.values()) if (needs.every(isWarm)) warming.listener.delete(name)
  }

  const takeOwners = (type: 'cluster' | 'listener', { resources, removed }: DeltaResponse): void => {
    for (const resource of resources) {
      holds[type].set(resource.name, resource)
      // A listener finds the routes of the one before it; a cluster waits for its endpoints to be sent again.
      const isWaiting = resource.needs.some((name) => type === 'cluster' || !isWarm(name))
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
      for (const { name } of waiting) if (type === 'endpoints' || isWarm(resource.name)) warming[owners].delete(name)
    }
    askForHosts()
  }

  return {
    outbox,
    holds,
    warming,
    connect() {
      outbox.length = 0
      connects += 1
      const askForHostsAgain = (isTurn: boolean): void => {
        if (wantsHosts && isTurn) ask('virtualHost', { initialVersions: Object.fromEntries(sentHosts) })
      }
      // Envoy asks in any order.
      askForHostsAgain(connects % 2 === 0)
      const versions = (type: ResourceType) =>
        Object.fromEntries([...holds[type]].map(([name, { version }]) => [name, version]))
      for (const type of ['cluster', 'endpoints', 'listener', 'routes'] as const) {
        const names = type === 'endpoints' || type === 'routes' ? [...subscribed[type]] : []
        const isNeeded = names.length > 0 || type === 'cluster' || type === 'listener'
        if (isNeeded) ask(type, { subscribe: names, initialVersions: versions(type) })
      }
      askForHostsAgain(connects % 2 === 1)
    },
    receive(response) {
      const { type, nonce } = response
      if (rejects(response) || clashes(response)) return ask(type, { responseNonce: nonce, error: 'no' })
      if (type === 'cluster' || type === 'listener') takeOwners(type, response)
      else if (type === 'endpoints' || type === 'routes') takeNamed(type, response)
      else if (type === 'virtualHost') takeHosts(response)
      ask(type, { responseNonce: nonce })
    },
  }
}
