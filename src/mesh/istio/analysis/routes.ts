import { parseDuration } from '../../../base/index.ts'
import type { Path } from '../path.ts'
import type { HttpMatchSpec, HttpRouteSpec } from '../supported.ts'
import { haveCommonClients } from '../visibility.ts'
import type { Catalog, GivenRoutes } from './catalog.ts'
import { covers } from './covers.ts'
import { error, type Found, info, nameOf, warning } from './found.ts'

export const checkRoutes = (known: Catalog): readonly Found[] =>
  known.routes.flatMap((routes) => [
    ...checkHosts(routes, known),
    ...checkNames(routes),
    ...checkReachable(routes),
    ...checkConnectionsReachable(routes),
    ...routes.spec.http.flatMap((http, index) => checkHttp(routes, http, ['spec', 'http', index])),
  ])

/** Two objects for one host in the mesh: only one of them would count. */
function checkHosts(routes: GivenRoutes, known: Catalog): readonly Found[] {
  const isInMesh = ({ gateways }: GivenRoutes) => gateways.includes('mesh')
  if (!isInMesh(routes)) return []
  const others = known.routes.filter((other) => other.index < routes.index && isInMesh(other))
  return routes.hosts.flatMap((host, position) => {
    const other = others.find((candidate) => candidate.hosts.includes(host) && seeEachOther(candidate, routes))
    if (other === undefined) return []
    const message = `${host} is routed by the VirtualService ${nameOf(other)} already; merge the two or delete one`
    return [error('HostConflict', routes, ['spec', 'hosts', position], message)]
  })
}

const seeEachOther = (left: GivenRoutes, right: GivenRoutes): boolean =>
  haveCommonClients(
    { namespace: left.key.namespace, exportTo: left.spec.exportTo },
    { namespace: right.key.namespace, exportTo: right.spec.exportTo },
  )

function checkNames(routes: GivenRoutes): readonly Found[] {
  const names = routes.spec.http.map(({ name }) => name)
  return names.flatMap((name, index) => {
    const first = names.indexOf(name)
    if (name === undefined || name === '' || first === index) return []
    const message = `spec.http[${first}] has the name "${name}", too; access logs cannot tell the two apart: rename one`
    return [warning('DuplicateName', routes, ['spec', 'http', index, 'name'], message)]
  })
}

interface Taken {
  readonly match: HttpMatchSpec
  readonly place: string
}

/** A rule counts where no earlier one took the request. */
function checkReachable(routes: GivenRoutes): readonly Found[] {
  const found: Found[] = []
  const taken: Taken[] = []
  for (const [index, { match = [] }] of routes.spec.http.entries()) {
    const matches = match.length === 0 ? [{}] : match
    const covering = matches.map((each) => taken.find((earlier) => covers(earlier.match, each)))
    const [first] = covering
    if (first !== undefined && covering.every((each) => each !== undefined)) {
      found.push(warning('UnreachableRoute', routes, ['spec', 'http', index], neverReached(first)))
    } else {
      found.push(...checkMatches(routes, index, covering))
    }
    taken.push(
      ...matches.map((each, at) => ({ match: each, place: placeOf(index, match.length === 0 ? undefined : at) })),
    )
  }
  return found
}

const placeOf = (index: number, at: number | undefined): string =>
  at === undefined ? `spec.http[${index}]` : `spec.http[${index}].match[${at}]`

function neverReached({ match, place }: Taken): string {
  const what =
    Object.keys(match).length === 0
      ? `${place} has no match and takes every request`
      : `${place} takes all that it asks for`
  return `never reached: ${what}; move this rule before it, or delete it`
}

function checkMatches(routes: GivenRoutes, index: number, covering: readonly (Taken | undefined)[]): readonly Found[] {
  const matches = routes.spec.http[index]?.match ?? []
  return matches.flatMap((match, at) => {
    const path = ['spec', 'http', index, 'match', at]
    if (Object.values(match).every((value) => value === undefined)) {
      const message = 'takes every request; leave match out if that is meant, or say what to match'
      return [warning('EmptyMatch', routes, path, message)]
    }
    const stranger = match.gateways?.find((name) => !(routes.spec.gateways ?? ['mesh']).includes(name))
    if (stranger !== undefined && match.gateways?.length === 1) {
      const message = `never true: spec.gateways does not name ${stranger}; add it there`
      return [warning('IneffectiveMatch', routes, [...path, 'gateways', 0], message)]
    }
    const earlier = covering[at] ?? earlierInRule(matches, index, at)
    if (earlier === undefined) return []
    const message = `never asked: ${earlier.place} takes all that it asks for; delete it or move it before`
    return [warning('IneffectiveMatch', routes, path, message)]
  })
}

function earlierInRule(matches: readonly HttpMatchSpec[], index: number, at: number): Taken | undefined {
  const found = matches.slice(0, at).findIndex((earlier) => covers(earlier, matches[at] ?? {}))
  const match = matches[found]
  return match && { match, place: placeOf(index, found) }
}

function checkConnectionsReachable(routes: GivenRoutes): readonly Found[] {
  const { tcp } = routes.spec
  const last = tcp.findIndex(({ match = [] }) => match.length === 0)
  if (last === -1 || last === tcp.length - 1) return []
  const message = `never reached: spec.tcp[${last}] has no match and takes every connection; move this rule before it, or delete it`
  return [warning('UnreachableRoute', routes, ['spec', 'tcp', last + 1], message)]
}

function checkHttp(routes: GivenRoutes, http: HttpRouteSpec, path: Path): readonly Found[] {
  return [...checkWeights(routes, http, path), ...checkFault(routes, http, path), ...checkTries(routes, http, path)]
}

function checkWeights(routes: GivenRoutes, { route }: HttpRouteSpec, path: Path) {
  const sharing = route.filter(({ weight = 0 }) => weight > 0)
  if (route.length < 2 || sharing.length === route.length || sharing.length === 0) return []
  return route.flatMap(({ weight }, index) => {
    if ((weight ?? 0) > 0) return []
    const said =
      weight === undefined ? 'has no weight beside others that have one, which counts as 0' : 'has the weight 0'
    const message = `${said}: no request goes there; give it a weight, or delete it unless something sets it later`
    const report = weight === undefined ? warning : info
    return [report('IdleDestination', routes, [...path, 'route', index], message)]
  })
}

function checkFault(routes: GivenRoutes, { fault }: HttpRouteSpec, path: Path) {
  return (['delay', 'abort'] as const).flatMap((kind) => {
    const said = fault?.[kind]
    if (said === undefined || (said.percentage?.value ?? 0) > 0) return []
    const message = 'meets no request: write percentage: { value: 100 }, or another share'
    return [warning('IdleFault', routes, [...path, 'fault', kind], message)]
  })
}

function checkTries(routes: GivenRoutes, { timeout, retries }: HttpRouteSpec, path: Path) {
  const [whole, single] = [milliseconds(timeout), milliseconds(retries?.perTryTimeout)]
  if (whole === 0 || single < whole || (retries?.attempts ?? 0) === 0) return []
  const message = `one try of ${retries?.perTryTimeout} uses up the timeout of ${timeout}, so that a slow one is never repeated; make it shorter`
  return [warning('IdleRetries', routes, [...path, 'retries', 'perTryTimeout'], message)]
}

function milliseconds(duration: string | undefined): number {
  const parsed = duration === undefined ? undefined : parseDuration(duration)
  return parsed?.ok === true ? parsed.value : 0
}
