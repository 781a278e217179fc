import { eachType, type ResourceType, typeUrls } from '../../src/mesh/envoy/index.ts'
import type { Request, Resources, Response, SnapshotResource } from '../../src/mesh/xds/index.ts'

/** A proxy as Envoy behaves on one stream: what it holds, what it waits for, what it asks. */
export interface SimulatedProxy {
  /** Requests that are on their way to the server, oldest first. */
  readonly outbox: Request[]
  readonly holds: Readonly<Record<ResourceType, Map<string, SnapshotResource>>>
  /** Clusters (listeners) that got no endpoints (routes) since they came or changed. */
  readonly warming: { readonly cluster: Set<string>; readonly listener: Set<string> }
  start(): void
  receive(response: Response): void
}

export interface SimulatedProxyOptions {
  readonly rejects: (response: Response) => boolean
  /** Envoy asks for endpoints before or after it accepts the clusters. */
  readonly asksFirst: () => boolean
}

export function createSimulatedProxy({ rejects, asksFirst }: SimulatedProxyOptions): SimulatedProxy {
  const outbox: Request[] = []
  const nonces: Record<ResourceType, string> = eachType(() => '')
  const holds = eachType(() => new Map<string, SnapshotResource>())
  const warming = { cluster: new Set<string>(), listener: new Set<string>() }

  const namesOf = (type: ResourceType): readonly string[] => {
    if (type === 'cluster' || type === 'listener' || type === 'virtualHost' || type === 'secret') return []
    return [
      ...new Set([...holds[type === 'endpoints' ? 'cluster' : 'listener'].values()].flatMap(({ needs }) => needs)),
    ]
  }
  const ask = (type: ResourceType, error?: string): void => {
    outbox.push({ typeUrl: typeUrls[type], resourceNames: namesOf(type), responseNonce: nonces[type], error })
  }

  const forgetUnwanted = (type: 'endpoints' | 'routes'): void => {
    const wanted = new Set(namesOf(type))
    for (const name of holds[type].keys()) if (!wanted.has(name)) holds[type].delete(name)
  }

  const takeWorld = (type: 'cluster' | 'listener', resources: Resources): void => {
    const { changed, gone } = replaceAll(holds[type], resources)
    for (const name of gone) warming[type].delete(name)
    for (const { name } of changed.filter(({ needs }) => needs.length > 0)) warming[type].add(name)
    const dependent = type === 'cluster' ? 'endpoints' : 'routes'
    forgetUnwanted(dependent)
    for (const question of questionsAfter(type, dependent, changed.length + gone.length > 0)) ask(question)
  }

  const questionsAfter = (
    type: ResourceType,
    dependent: ResourceType,
    hasChanged: boolean,
  ): readonly ResourceType[] => {
    const hasAsked = nonces[dependent] !== '' || namesOf(dependent).length > 0
    if (!hasChanged || !hasAsked) return [type]
    return asksFirst() ? [dependent, type] : [type, dependent]
  }

  const takeNamed = (type: 'endpoints' | 'routes', resources: Resources): void => {
    const owners = type === 'endpoints' ? 'cluster' : 'listener'
    const wanted = new Set(namesOf(type))
    for (const [name, resource] of resources) if (wanted.has(name)) holds[type].set(name, resource)
    for (const { name, needs } of holds[owners].values()) {
      if (needs.some((need) => resources.has(need))) warming[owners].delete(name)
    }
    ask(type)
  }

  return {
    outbox,
    holds,
    warming,
    start() {
      ask('cluster')
      ask('listener')
    },
    receive(response) {
      nonces[response.type] = response.nonce
      if (rejects(response)) return ask(response.type, 'no')
      const resources = new Map(response.resources.map((resource) => [resource.name, resource]))
      if (response.type === 'cluster' || response.type === 'listener') takeWorld(response.type, resources)
      else if (response.type === 'endpoints' || response.type === 'routes') takeNamed(response.type, resources)
    },
  }
}

function replaceAll(held: Map<string, SnapshotResource>, resources: Resources) {
  const changed = [...resources.values()].filter(({ name, version }) => held.get(name)?.version !== version)
  const gone = [...held.keys()].filter((name) => !resources.has(name))
  held.clear()
  for (const [name, resource] of resources) held.set(name, resource)
  return { changed, gone }
}
