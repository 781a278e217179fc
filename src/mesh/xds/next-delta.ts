import { type ResourceType, resourceTypes } from '../envoy/index.ts'
import { type Batch, type DeltaState, type DeltaTypeState, namesIn, withDelta } from './delta-state.ts'
import { differing, forget, type HeldResource, heldOf, holdAs, holdsAllOf } from './held.ts'
import type { SnapshotResource } from './resources.ts'
import type { Snapshot } from './snapshot.ts'

export interface DeltaResponse {
  readonly type: ResourceType
  readonly nonce: string
  readonly resources: readonly SnapshotResource[]
  readonly removed: readonly string[]
}

export interface DeltaPlanned {
  readonly state: DeltaState
  readonly response: DeltaResponse
}

/**
 * The next response that an incremental stream may be sent, or undefined when it has everything or must accept
 * something first. Make before break: clusters and their endpoints before what leads to them; a cluster goes last, when
 * nothing that the proxy has leads to it. A route that is not ready holds no other route back.
 */
export function nextDelta(state: DeltaState, snapshot: Snapshot): DeltaPlanned | undefined {
  for (const type of resourceTypes) {
    const batch = batchOf(type, state, snapshot)
    if (batch !== undefined) return plan(type, batch, state)
  }
  return undefined
}

function batchOf(type: ResourceType, state: DeltaState, snapshot: Snapshot): Batch | undefined {
  const { subscribed, inFlight, sent, unanswered } = state.types[type]
  if (subscribed === undefined || inFlight !== undefined) return undefined
  if (waitsForNothing(type, state, snapshot)) return { resources: [], removed: [], target: snapshot.resources[type] }
  if (unanswered.size === 0 && holdsAllOf(sent, snapshot.resources[type])) return undefined
  const batch = subscribed === 'all' ? planAll(type, state, snapshot) : planNamed(type, subscribed, state, snapshot)
  return batch.resources.length > 0 || batch.removed.length > 0 ? batch : undefined
}

/** An Envoy starts once it was told what there is, be it that there is nothing: a gateway without any server. */
function waitsForNothing(type: ResourceType, state: DeltaState, snapshot: Snapshot): boolean {
  const { subscribed, nonce } = state.types[type]
  if (subscribed !== 'all' || nonce !== '' || snapshot.resources[type].size > 0) return false
  return type !== 'listener' || clustersAreSettled(state, snapshot)
}

function plan(type: ResourceType, batch: Batch, state: DeltaState): DeltaPlanned {
  const nonce = String(state.responses + 1)
  const sent = holdAs(state.types[type].sent, batch.target, namesIn(batch))
  const change = { nonce, inFlight: batch, sent, unanswered: new Set<string>() }
  const after = withDelta({ ...state, responses: state.responses + 1 }, type, change)
  const { resources, removed } = batch
  return {
    state: forgetDependents(type, state.types[type], batch, after),
    response: { type, nonce, resources, removed },
  }
}

/**
 * A new or changed cluster (listener) waits for its endpoints (routes) again, even if they are as they were, and Envoy
 * does not always ask. One that goes takes them along.
 */
function forgetDependents(type: ResourceType, before: DeltaTypeState, batch: Batch, state: DeltaState): DeltaState {
  if (type !== 'cluster' && type !== 'listener') return state
  const dependent = type === 'cluster' ? 'endpoints' : 'routes'
  const { sent, acked, subscribed } = state.types[dependent]
  const waiting = batch.resources.flatMap(({ needs }) => needs)
  const gone = batch.removed.flatMap((name) => {
    const held = heldOf(before.sent, name)
    return held !== undefined && isWhole(held) ? held.needs : [name]
  })
  return withDelta(state, dependent, {
    sent: forget(sent, [...waiting, ...gone]),
    ...(gone.length === 0 ? {} : { acked: forget(acked, gone), subscribed: without(subscribed, gone) }),
  })
}

/** As the proxy will say itself once it has heard of it. */
const without = (subscribed: DeltaTypeState['subscribed'], gone: readonly string[]): DeltaTypeState['subscribed'] =>
  subscribed instanceof Set ? new Set([...subscribed].filter((name) => !gone.includes(name))) : subscribed

/** Clusters or listeners. */
function planAll(type: ResourceType, state: DeltaState, snapshot: Snapshot): Batch {
  const target = snapshot.resources[type]
  if (type === 'listener' && !clustersAreSettled(state, snapshot)) return { resources: [], removed: [], target }
  const names = differing(state.types[type].sent, target)
  const gone = names.filter((name) => !target.has(name))
  const resources = sendable(type, names, state, snapshot)
  // Alone, so that nothing else can have them rejected.
  if (resources.length > 0 || gone.length === 0) return { resources, removed: [], target }
  return { resources, removed: type === 'cluster' ? unused(gone, state, snapshot) : gone, target }
}

/** Endpoints, routes or secrets: what is no longer there goes when the proxy no longer asks for it. */
function planNamed(type: ResourceType, subscribed: ReadonlySet<string>, state: DeltaState, snapshot: Snapshot): Batch {
  const target = snapshot.resources[type]
  const { sent, unanswered } = state.types[type]
  const names = differing(sent, target).filter((name) => subscribed.has(name))
  const removed = [...unanswered].filter((name) => !target.has(name))
  return { resources: sendable(type, names, state, snapshot), removed, target }
}

/** Those that the proxy may have now; a suspect goes alone. */
function sendable(
  type: ResourceType,
  names: readonly string[],
  state: DeltaState,
  snapshot: Snapshot,
): readonly SnapshotResource[] {
  const { rejected, suspects } = state.types[type]
  const resources = names.flatMap((name) => {
    const resource = snapshot.resources[type].get(name)
    const isRejected = rejected.get(name)?.version === resource?.version
    return resource === undefined || isRejected || !isReady(type, resource, state, snapshot) ? [] : [resource]
  })
  const alone = resources.find(({ name }) => suspects.has(name))
  return alone === undefined ? resources : [alone]
}

/** A proxy without any routes is better served by some that answer 503. */
const isReady = (type: ResourceType, resource: SnapshotResource, state: DeltaState, snapshot: Snapshot): boolean =>
  type !== 'routes' ||
  clustersAreReady(resource, state, snapshot) ||
  (heldOf(state.types.routes.acked, resource.name) === undefined && clustersAreSettled(state, snapshot))

/** Every cluster that the route leads to is accepted, with its endpoints. */
function clustersAreReady(route: SnapshotResource, { types }: DeltaState, { resources }: Snapshot): boolean {
  const { cluster, endpoints } = types
  if (cluster.subscribed === undefined) return true
  const isComplete = holdsAllOf(cluster.acked, resources.cluster) && holdsAllOf(endpoints.acked, resources.endpoints)
  if (isComplete && cluster.inFlight === undefined) return true
  return route.clusters.every((name) => {
    // gRPC asks for a cluster once a route names it.
    if (cluster.subscribed instanceof Set && !cluster.subscribed.has(name)) return true
    if (cluster.inFlight?.removed.includes(name)) return false
    if (heldOf(cluster.acked, name) === undefined) return false
    const needs = resources.cluster.get(name)?.needs ?? []
    return needs.every((need) => heldOf(endpoints.acked, need) !== undefined)
  })
}

/** Nothing of clusters and endpoints is under way or still to be sent. */
function clustersAreSettled(state: DeltaState, { resources }: Snapshot): boolean {
  const { cluster, endpoints } = state.types
  if (cluster.subscribed === undefined) return true
  if (cluster.inFlight !== undefined || endpoints.inFlight !== undefined) return false
  const open = differing(cluster.sent, resources.cluster).filter((name) => resources.cluster.has(name))
  if (open.some((name) => !isRejected(cluster, name, resources.cluster.get(name)))) return false
  if (holdsAllOf(cluster.acked, resources.cluster) && holdsAllOf(endpoints.acked, resources.endpoints)) return true
  return [...resources.cluster.values()]
    .filter(({ name }) => heldOf(cluster.acked, name) !== undefined)
    .flatMap(({ needs }) => needs)
    .every((name) => heldOf(endpoints.acked, name) !== undefined || endpoints.rejected.has(name))
}

const isRejected = ({ rejected }: DeltaTypeState, name: string, resource: SnapshotResource | undefined): boolean =>
  resource !== undefined && rejected.get(name)?.version === resource.version

/** Of the clusters that are to go those that no route and no listener of the proxy leads to. */
function unused(gone: readonly string[], state: DeltaState, snapshot: Snapshot): readonly string[] {
  // An answer that is on its way would say that the proxy has endpoints which the removal took along.
  if (state.types.endpoints.inFlight !== undefined) return []
  const listeners = usersOf('listener', state, snapshot)
  const routes = usersOf('routes', state, snapshot)
  // After a reconnect nobody knows where the routes lead until the proxy has told of them.
  const needsRoutes = listeners?.some(({ needs }) => needs.length > 0) !== false
  if (listeners === undefined || (needsRoutes && routes === undefined)) return []
  const used = new Set([...listeners, ...(routes ?? [])].flatMap(({ clusters }) => clusters))
  return gone.filter((name) => !used.has(name))
}

/** All that the proxy has, or soon has, of a type; undefined when that is not known. */
function usersOf(
  type: 'listener' | 'routes',
  { types }: DeltaState,
  snapshot: Snapshot,
): readonly Pick<SnapshotResource, 'clusters' | 'needs'>[] | undefined {
  const { subscribed, inFlight, acked } = types[type]
  if (subscribed === undefined) return undefined
  const users = [...(inFlight?.resources ?? [])]
  for (const name of new Set([...acked.base.keys(), ...acked.changes.keys()])) {
    const held = heldOf(acked, name)
    if (held === undefined || (subscribed !== 'all' && !subscribed.has(name))) continue
    const known = isWhole(held) ? held : snapshot.resources[type].get(name)
    if (known?.version !== held.version) return undefined
    users.push(known)
  }
  return users
}

/** False for what the proxy only told of. */
const isWhole = (held: HeldResource): held is SnapshotResource => 'clusters' in held
