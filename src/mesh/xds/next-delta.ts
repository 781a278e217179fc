import { type ResourceType, resourceTypes, tableOfVirtualHost } from '../envoy/index.ts'
import { type Batch, type DeltaState, type DeltaTypeState, namesIn, withDelta } from './delta-state.ts'
import { differing, forget, type Held, type HeldResource, heldOf, hold, holdAs, holdsAllOf } from './held.ts'
import type { SnapshotResource } from './resources.ts'
import { shareNames } from './shared-names.ts'
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
 * nothing that the proxy has leads to it. A route that is not ready holds no other route back. Virtual hosts follow
 * their table: Envoy drops those whose table it does not have.
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
  const batch = planOf(type, subscribed, state, snapshot)
  return batch.resources.length > 0 || batch.removed.length > 0 ? batch : undefined
}

function planOf(type: ResourceType, subscribed: Subscribed, state: DeltaState, snapshot: Snapshot): Batch {
  if (subscribed !== 'all') return planNamed(type, subscribed, state, snapshot)
  return type === 'virtualHost' ? planHosts(state, snapshot) : planAll(type, state, snapshot)
}

type Subscribed = Exclude<DeltaTypeState['subscribed'], undefined>

/** An Envoy starts once it was told what there is, be it that there is nothing: a gateway without any server. */
function waitsForNothing(type: ResourceType, state: DeltaState, snapshot: Snapshot): boolean {
  const { subscribed, nonce } = state.types[type]
  if (subscribed !== 'all' || nonce !== '' || snapshot.resources[type].size > 0) return false
  return type !== 'listener' || clustersAreSettled(state, snapshot)
}

function plan(type: ResourceType, batch: Batch, state: DeltaState): DeltaPlanned {
  const nonce = String(state.responses + 1)
  const before = state.types[type]
  const sent = holdAs(before.sent, batch.target, namesIn(batch))
  const subscribed = shareNames(before.subscribed, batch.target)
  const change = { nonce, inFlight: batch, sent, subscribed, unanswered: none }
  const after = withDelta({ ...state, responses: state.responses + 1 }, type, change)
  const { resources, removed } = batch
  return {
    state: forgetDependents(type, before, batch, after),
    response: { type, nonce, resources, removed },
  }
}

const none: ReadonlySet<string> = new Set()

/**
 * A new or changed cluster (listener) waits for its endpoints (routes) again, even if they are as they were, and Envoy
 * does not always ask. One that goes takes them along.
 */
function forgetDependents(type: ResourceType, before: DeltaTypeState, batch: Batch, state: DeltaState): DeltaState {
  if (type === 'routes') return forgetHosts(before, batch, state)
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

/**
 * Envoy never asks for the hosts of a table. One that is new to it has none, whatever was sent before; one that it had
 * already may have those that it had, or none: each is sent again, and those that are gone are taken away again.
 */
function forgetHosts(before: DeltaTypeState, { resources }: Batch, state: DeltaState): DeltaState {
  const tables = new Set(resources.flatMap(({ name, needs }) => (needs.length === 0 ? [] : name)))
  if (tables.size === 0) return state
  const { sent, acked } = state.types.virtualHost
  const newTables = new Set([...tables].filter((name) => heldOf(before.acked, name) === undefined))
  const inDoubt = hostsOf(tables, sent).flatMap((name) =>
    heldOf(sent, name) === undefined ? [] : { name, version: '' },
  )
  return withDelta(state, 'virtualHost', {
    sent: hold(sent, inDoubt),
    acked: forget(acked, hostsOf(newTables, acked)),
  })
}

const hostsOf = (tables: ReadonlySet<string>, { base, changes }: Held): readonly string[] =>
  [...base.keys(), ...changes.keys()].filter((name) => tables.has(tableOfVirtualHost(name)))

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

/** The virtual hosts of the tables that the proxy has. What takes a domain over from another comes with the other's removal. */
function planHosts(state: DeltaState, snapshot: Snapshot): Batch {
  const target = snapshot.resources.virtualHost
  const { sent, suspects } = state.types.virtualHost
  const names = differing(sent, target).filter((name) => hasTable(name, state))
  const removed = names.filter((name) => !target.has(name))
  const resources = removed.some((name) => suspects.has(name)) ? [] : sendable('virtualHost', names, state, snapshot)
  return { resources, removed, target }
}

const hasTable = (host: string, { types }: DeltaState): boolean =>
  heldOf(types.routes.acked, tableOfVirtualHost(host)) !== undefined

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
  (type !== 'routes' && type !== 'virtualHost') ||
  clustersAreReady(resource, state, snapshot) ||
  (heldOf(state.types[type].acked, resource.name) === undefined && clustersAreSettled(state, snapshot))

/** Every cluster that the route leads to is accepted, with its endpoints as they are now: older ones may be none at all. */
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
    return needs.every((need) => isCurrent(endpoints, need, resources.endpoints.get(need)))
  })
}

/** Accepted in its newest version, with no other one on its way, unless that can not be had. */
function isCurrent(state: DeltaTypeState, name: string, newest: SnapshotResource | undefined): boolean {
  const { acked, sent, subscribed } = state
  const held = heldOf(acked, name)
  if (held === undefined || newest === undefined) return held !== undefined
  const isAskedFor = !(subscribed instanceof Set) || subscribed.has(name)
  const isNewest = held.version === newest.version && heldOf(sent, name)?.version === newest.version
  return isNewest || !isAskedFor || isRejected(state, name, newest)
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
  const used = usedClusters(state, snapshot)
  return used === undefined ? [] : gone.filter((name) => !used.has(name))
}

/** Undefined when it is not known: after a reconnect nobody knows where the routes lead until the proxy has told of them. */
function usedClusters(state: DeltaState, snapshot: Snapshot): ReadonlySet<string> | undefined {
  const listeners = usersOf('listener', state, snapshot)
  if (listeners === undefined) return undefined
  const routes = usersOf('routes', state, snapshot)
  if (routes === undefined && areWaiting(listeners)) return undefined
  const hosts = usersOf('virtualHost', state, snapshot)
  if (hosts === undefined && areWaiting(routes ?? [])) return undefined
  return new Set([...listeners, ...(routes ?? []), ...(hosts ?? [])].flatMap(({ clusters }) => clusters))
}

const areWaiting = (users: readonly Pick<SnapshotResource, 'needs'>[]): boolean =>
  users.some(({ needs }) => needs.length > 0)

/** All that the proxy has, or soon has, of a type; undefined when that is not known. */
function usersOf(
  type: 'listener' | 'routes' | 'virtualHost',
  { types }: DeltaState,
  snapshot: Snapshot,
): readonly Pick<SnapshotResource, 'clusters' | 'needs'>[] | undefined {
  const { subscribed, inFlight, acked } = types[type]
  if (subscribed === undefined) return undefined
  const users = [...(inFlight?.resources ?? [])]
  const isDropped = (name: string): boolean =>
    (subscribed !== 'all' && !subscribed.has(name)) || (type === 'virtualHost' && !isAskedFor(name, types.routes))
  for (const name of new Set([...acked.base.keys(), ...acked.changes.keys()])) {
    const held = heldOf(acked, name)
    if (held === undefined || isDropped(name)) continue
    const known = isWhole(held) ? held : snapshot.resources[type].get(name)
    if (known?.version !== held.version) return undefined
    users.push(known)
  }
  return users
}

/** Hosts go with their table. */
const isAskedFor = (host: string, { subscribed }: DeltaTypeState): boolean =>
  subscribed instanceof Set && subscribed.has(tableOfVirtualHost(host))

/** False for what the proxy only told of. */
const isWhole = (held: HeldResource): held is SnapshotResource => 'clusters' in held
