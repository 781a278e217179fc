import type { VirtualService } from '../../api/index.ts'
import { remember } from '../../base/index.ts'
import { type ClusterObjects, keyOf } from '../istio/index.ts'
import {
  type Cluster,
  connectionRoutes,
  type Finding,
  keyText,
  type Mesh,
  type MeshProxy,
  type RouteTable,
  type TcpRoute,
  type VirtualHost,
} from '../model/index.ts'

/** What the holder made of the objects. */
export interface HeldRoutes {
  /** What is wrong with the versions that are refused is among its findings. */
  readonly mesh: Mesh
  /** With the earlier version of each VirtualService that is held; where the later one is refused, as what that says. */
  readonly objects: ClusterObjects
  /** When the first of them is followed all the same; undefined when none is held. */
  readonly untilMs: number | undefined
  /** By the text of its key: why a VirtualService was held and is followed now. */
  readonly notes: ReadonlyMap<string, string>
}

/**
 * Objects come over separate watches: a route may be here before the endpoints that were ready before it was written.
 * One that leads more requests to nobody than its earlier version does waits for them, for a bounded time. One that
 * leads to what does not exist even then is refused until it does.
 */
export interface RouteHolder {
  hold(objects: ClusterObjects, nowMs: number): HeldRoutes
}

interface Waiting {
  readonly version: VirtualService
  readonly sinceMs: number
}

export function createRouteHolder(toMesh: (objects: ClusterObjects) => Mesh, holdAtMostMs: number): RouteHolder {
  let followed = new Map<string, VirtualService>()
  let waiting = new Map<string, Waiting>()
  let notes = new Map<string, string>()
  let last: Mesh | undefined

  const waits = (key: string, version: VirtualService, nowMs: number): Waiting => {
    const known = waiting.get(key)
    return known !== undefined && isSameSpec(known.version, version) ? known : { version, sinceMs: nowMs }
  }

  return {
    hold(objects, nowMs) {
      const wanted = toMesh(objects)
      const nobody = last === undefined ? [] : leadingToNobody(objects.virtualServices, { followed, last, wanted })
      const candidates = nobody.map(({ key, version, clusters }) => ({ key, clusters, ...waits(key, version, nowMs) }))
      const held = candidates.filter(({ sinceMs }) => nowMs - sinceMs < holdAtMostMs)
      waiting = new Map(candidates.map(({ key, version, sinceMs }) => [key, { version, sinceMs }]))
      const heldKeys = new Set(held.map(({ key }) => key))
      const overdue = candidates.filter(({ key }) => !heldKeys.has(key))
      const isRefused = ({ clusters }: Candidate) => clusters.includes(undefined)
      const refused = new Set(overdue.filter(isRefused).map(({ key }) => key))
      const standIns = withEarlier(objects.virtualServices, followed, { held: heldKeys, refused })
      const { virtualServices } = standIns
      notes = keptNotes(notes, followed, virtualServices)
      for (const { key, clusters } of overdue.filter((each) => !isRefused(each)))
        notes.set(key, `followed after ${holdAtMostMs / 1_000} s without a ready endpoint of ${clusters.join(', ')}`)
      followed = standIns.followed
      const isAsWanted = held.length + refused.size === 0
      const inForce = isAsWanted ? objects : { ...objects, virtualServices }
      last = isAsWanted ? wanted : toMesh(inForce)
      const untilMs = held.length === 0 ? undefined : Math.min(...held.map(({ sinceMs }) => sinceMs)) + holdAtMostMs
      return { mesh: withFindings(last, wanted, refused), objects: inForce, untilMs, notes }
    },
  }
}

/** What is in force of each object: of one that is refused, under its own name and generation, the earlier spec. */
function withEarlier(
  objects: readonly VirtualService[],
  followed: ReadonlyMap<string, VirtualService>,
  { held, refused }: { readonly held: ReadonlySet<string>; readonly refused: ReadonlySet<string> },
) {
  const standIns = objects.map((object) => {
    const key = keyText(keyOf(object))
    const earlier = followed.get(key)
    if (earlier === undefined || !(held.has(key) || refused.has(key))) return { key, followed: object, shown: object }
    return { key, followed: earlier, shown: held.has(key) ? earlier : { ...object, spec: earlier.spec } }
  })
  return {
    virtualServices: standIns.map(({ shown }) => shown),
    followed: new Map(standIns.map((each) => [each.key, each.followed])),
  }
}

/** Why versions were refused is known of the mesh that they would have made. */
function withFindings(mesh: Mesh, wanted: Mesh, refused: ReadonlySet<string>): Mesh {
  if (refused.size === 0) return mesh
  const isOfRefused = ({ object }: Finding) => refused.has(keyText(object))
  const told = wanted.findings
    .filter(isOfRefused)
    .map((finding) => ({ ...finding, message: `${finding.message}; the version before stays in force` }))
  return { ...mesh, findings: [...mesh.findings.filter((finding) => !isOfRefused(finding)), ...told] }
}

/** A note is about one version. */
const keptNotes = (
  notes: ReadonlyMap<string, string>,
  followed: ReadonlyMap<string, VirtualService>,
  next: readonly VirtualService[],
): Map<string, string> => {
  const same = new Set(
    next.flatMap((object) => {
      const key = keyText(keyOf(object))
      const before = followed.get(key)
      return before !== undefined && isSameSpec(before, object) ? [key] : []
    }),
  )
  return new Map([...notes].filter(([key]) => same.has(key)))
}

const isSameSpec = (left: VirtualService, right: VirtualService): boolean =>
  left.metadata.uid === right.metadata.uid && left.metadata.generation === right.metadata.generation

interface Change {
  readonly followed: ReadonlyMap<string, VirtualService>
  readonly last: Mesh
  readonly wanted: Mesh
}

interface Candidate {
  readonly key: string
  readonly version: VirtualService
  /** That nobody is ready behind; undefined for what does not exist. */
  readonly clusters: readonly (string | undefined)[]
}

/** The changed objects that would send a larger share to nobody than what they said before. */
function leadingToNobody(objects: readonly VirtualService[], { followed, last, wanted }: Change): readonly Candidate[] {
  const changed = objects.flatMap((object) => {
    const key = keyText(keyOf(object))
    const before = followed.get(key)
    return before === undefined || isSameSpec(before, object) || before.metadata.uid !== object.metadata.uid
      ? []
      : [{ key, version: object }]
  })
  if (changed.length === 0) return []
  const isReady = readiness(wanted)
  const [routesBefore, routesAfter] = [splitsByOrigin(last), splitsByOrigin(wanted)]
  return changed.flatMap(({ key, version }) => {
    const [before, after] = [routesBefore.get(key) ?? [], routesAfter.get(key) ?? []]
    if (lostShare(after, isReady) <= lostShare(before, isReady)) return []
    const clusters = [
      ...new Set(after.flat().flatMap(({ cluster, weight }) => (weight > 0 && !isReady(cluster) ? [cluster] : []))),
    ]
    return [{ key, version, clusters }]
  })
}

type Split = TcpRoute['clusters']
type IsReady = (cluster: string | undefined) => boolean

function readiness({ clusters, proxies }: Mesh): IsReady {
  const lists = new Set([clusters, ...proxies.flatMap((proxy) => (proxy.clusters ? [proxy.clusters] : []))])
  const ready = [...lists].map(readyIn)
  return (cluster) => cluster !== undefined && ready.some((names) => names.has(cluster))
}

const readyIn = remember(
  (clusters: readonly Cluster[]): ReadonlySet<string> =>
    new Set(
      clusters.flatMap(({ name, endpoints, resolution = 'static' }) =>
        resolution !== 'static' || endpoints.length > 0 ? [name] : [],
      ),
    ),
)

/** The largest share that any of the routes sends to nobody. */
const lostShare = (splits: readonly Split[], isReady: IsReady): number =>
  Math.max(
    0,
    ...splits.map((split) => {
      const sum = (part: Split) => part.reduce((total, { weight }) => total + weight, 0)
      return sum(split.filter(({ cluster }) => !isReady(cluster))) / Math.max(1, sum(split))
    }),
  )

/** Where the routes of each object lead, wherever they are read. */
const splitsByOrigin = remember(({ proxies }: Mesh): ReadonlyMap<string, readonly Split[]> => {
  const tables = new Set(proxies.flatMap(({ routeTables }) => routeTables))
  const listeners = new Set(proxies.map(({ outbound }) => outbound))
  const all = [...[...tables].flatMap(splitsInTable), ...[...listeners].flatMap(splitsOfConnections)]
  const groups = Map.groupBy(all, ({ key }) => key)
  return new Map([...groups].map(([key, group]) => [key, group.map(({ split }) => split)]))
})

interface OriginSplit {
  readonly key: string
  readonly split: Split
}

const splitOf = ({ origin, clusters }: Pick<TcpRoute, 'origin' | 'clusters'>): readonly OriginSplit[] =>
  origin === undefined || clusters.length === 0 ? [] : [{ key: keyText(origin), split: clusters }]

// What did not change is not looked into again.
const splitsInHost = remember(({ routes }: VirtualHost) => routes.flatMap(splitOf))
const splitsInTable = remember(({ virtualHosts }: RouteTable) => virtualHosts.flatMap(splitsInHost))
const splitsOfConnections = remember((outbound: MeshProxy['outbound']) =>
  outbound.flatMap(connectionRoutes).flatMap(splitOf),
)
