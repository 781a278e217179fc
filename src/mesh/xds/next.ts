import { type ResourceType, resourceTypes } from '../envoy/index.ts'
import type { Resources, SnapshotResource } from './resources.ts'
import type { Snapshot } from './snapshot.ts'
import { isWholeWorld, type StreamState, sameResources, type TypeState, withType } from './stream-state.ts'

export interface Response {
  readonly type: ResourceType
  readonly version: string
  readonly nonce: string
  readonly resources: readonly SnapshotResource[]
}

export interface Planned {
  readonly state: StreamState
  readonly response: Response
}

/**
 * The next response that the stream may be sent, or undefined when it has everything or must accept something first.
 * Make before break: clusters and their endpoints before what leads to them, and a cluster goes only when
 * nothing that the proxy has accepted leads to it. A route that is not ready holds no other route back.
 */
export function next(state: StreamState, snapshot: Snapshot): Planned | undefined {
  for (const type of resourceTypes) {
    const before = state.types[type]
    if (before.subscribed === undefined || before.inFlight !== undefined) continue
    if (type === 'listener' && !clustersAreSettled(state, snapshot)) continue
    const resources = isWholeWorld(type) ? nextWorld(type, state, snapshot) : nextNamed(type, state, snapshot)
    if (resources !== undefined) return plan(type, state, snapshot, resources)
  }
  return undefined
}

function plan(type: ResourceType, state: StreamState, snapshot: Snapshot, resources: Resources): Planned {
  const nonce = String(state.responses + 1)
  const before = state.types[type]
  const sent = isWholeWorld(type) ? resources : new Map([...(before.sent ?? []), ...resources])
  const after = withType({ ...state, responses: state.responses + 1 }, type, { nonce, inFlight: resources, sent })
  return {
    state: forgetDependents(type, before.sent, resources, after),
    response: { type, nonce, version: snapshot.version(type), resources: [...resources.values()] },
  }
}

/**
 * A new or changed cluster (listener) waits for its endpoints (routes) again, even if they are as they were, and one
 * that goes takes them along.
 */
function forgetDependents(
  type: ResourceType,
  before: Resources | undefined,
  now: Resources,
  state: StreamState,
): StreamState {
  if (!isWholeWorld(type)) return state
  const dependent = type === 'cluster' ? 'endpoints' : 'routes'
  const { sent, acked } = state.types[dependent]
  const changed = [...now.values()].filter(({ name, version }) => before?.get(name)?.version !== version)
  const waiting = new Set(changed.flatMap(({ needs }) => needs))
  const wanted = new Set([...now.values()].flatMap(({ needs }) => needs))
  const keep = (resources: Resources, isKept: (name: string) => boolean): Resources =>
    new Map([...resources].filter(([name]) => isKept(name)))
  return withType(state, dependent, {
    sent: sent && keep(sent, (name) => wanted.has(name) && !waiting.has(name)),
    acked: keep(acked, (name) => wanted.has(name)),
  })
}

/** All clusters, or all listeners, when they differ from what was sent. */
function nextWorld(type: ResourceType, state: StreamState, snapshot: Snapshot): Resources | undefined {
  const { subscribed, sent, acked, rejected } = state.types[type]
  const world = wanted(subscribed, type === 'cluster' ? withRetained(state, snapshot) : snapshot.resources[type])
  if (sameResources(world, rejected?.resources)) return sent === undefined ? acked : undefined
  return sameResources(world, sent) ? undefined : world
}

const wanted = (subscribed: TypeState['subscribed'], resources: Resources): Resources =>
  subscribed instanceof Set ? new Map([...resources].filter(([name]) => subscribed.has(name))) : resources

/** With the clusters that the proxy's routes and listeners still lead to. */
function withRetained({ types }: StreamState, snapshot: Snapshot): Resources {
  const { routes, listener } = types
  const users = [routes.acked, routes.inFlight, listener.acked, listener.inFlight].flatMap((resources) => [
    ...(resources?.values() ?? []),
  ])
  const used = new Set(users.flatMap((user) => user.clusters))
  const retained = [...types.cluster.acked].filter(([name]) => used.has(name) && !snapshot.resources.cluster.has(name))
  return retained.length === 0 ? snapshot.resources.cluster : new Map([...snapshot.resources.cluster, ...retained])
}

/** Endpoints or routes that differ from what was sent; a suspect goes alone. */
function nextNamed(type: ResourceType, state: StreamState, snapshot: Snapshot): Resources | undefined {
  const { subscribed, sent, suspects } = state.types[type]
  if (!(subscribed instanceof Set)) return undefined
  const changed: [string, SnapshotResource][] = []
  for (const name of subscribed) {
    const resource = current(type, name, state, snapshot)
    if (resource !== undefined && sent?.get(name)?.version !== resource.version) changed.push([name, resource])
  }
  const alone = changed.find(([name]) => suspects.has(name))
  if (alone !== undefined) return new Map([alone])
  return changed.length === 0 ? undefined : new Map(changed.sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** The newest of that name that the proxy may have: the accepted one while the newest is rejected or not ready. */
function current(
  type: ResourceType,
  name: string,
  state: StreamState,
  snapshot: Snapshot,
): SnapshotResource | undefined {
  const { acked, rejected } = state.types[type]
  const newest = snapshot.resources[type].get(name)
  if (newest === undefined) return undefined
  if (rejected?.resources.get(name)?.version === newest.version) return acked.get(name)
  if (type !== 'routes' || clustersAreReady(newest, state, snapshot)) return newest
  // A proxy without any routes is better served by some that answer 503.
  return acked.get(name) ?? (clustersAreSettled(state, snapshot) ? newest : undefined)
}

/** Every cluster that the route leads to is accepted, with its endpoints as they are now: older ones may be none at all. */
function clustersAreReady(route: SnapshotResource, { types }: StreamState, { resources }: Snapshot): boolean {
  if (types.cluster.subscribed === undefined) return true
  const { acked, inFlight, subscribed } = types.cluster
  return route.clusters.every((name) => {
    // gRPC asks for a cluster once a route names it.
    if (subscribed instanceof Set && !subscribed.has(name)) return true
    // It may be gone from a response that is under way.
    if (inFlight !== undefined && !inFlight.has(name)) return false
    const needs = acked.get(name)?.needs
    return needs?.every((need) => isCurrent(types.endpoints, need, resources.endpoints.get(need))) ?? false
  })
}

/** Accepted in its newest version, with no other one on its way, unless that can not be had. */
function isCurrent(state: TypeState, name: string, newest: SnapshotResource | undefined): boolean {
  const { acked, sent, subscribed, rejected } = state
  const held = acked.get(name)
  if (held === undefined || newest === undefined) return held !== undefined
  const isAskedFor = !(subscribed instanceof Set) || subscribed.has(name)
  const isNewest = held.version === newest.version && sent?.get(name)?.version === newest.version
  return isNewest || !isAskedFor || rejected?.resources.get(name)?.version === newest.version
}

/** Nothing of clusters and endpoints is under way or still to be sent. */
function clustersAreSettled(state: StreamState, snapshot: Snapshot): boolean {
  const { cluster, endpoints } = state.types
  if (cluster.subscribed === undefined) return true
  if (cluster.inFlight !== undefined || endpoints.inFlight !== undefined) return false
  if (nextWorld('cluster', state, snapshot) !== undefined) return false
  const needed = [...cluster.acked.values()].flatMap(({ needs }) => needs)
  const rejected = endpoints.rejected?.resources
  return needed.every(
    (name) => endpoints.acked.has(name) || rejected?.has(name) || !snapshot.resources.endpoints.has(name),
  )
}
