import { hostMatches, resolveHost } from '../hosts.ts'
import { didYouMean, nearest, nearestHost } from '../nearest.ts'
import type { Path } from '../path.ts'
import type { DestinationSpec, VirtualServiceSpec } from '../supported.ts'
import type { Catalog, GivenHost, GivenRoutes } from './catalog.ts'
import { error, type Found, type Given, info, warning } from './found.ts'

export const checkDestinations = (known: Catalog): readonly Found[] => [
  ...known.routes.flatMap((routes) => [
    ...checkOwnHosts(routes, known),
    ...eachHost(routes, known),
    ...checkPlaces(routes, known),
  ]),
  ...known.rules.flatMap((rule) => {
    if (rule.host.includes('*') || known.hosts.has(rule.host)) return []
    return [missingHost(rule, ['spec', 'host'], rule.host, known)]
  }),
  ...known.sidecars.flatMap((sidecar) =>
    (sidecar.spec.egress ?? []).flatMap(({ hosts }, index) =>
      hosts.flatMap((said, at) => {
        const [where = '', host = ''] = said.split('/')
        if (host.includes('*') || where === '~') return []
        return known.hosts.has(host) ? [] : [missingHost(sidecar, ['spec', 'egress', index, 'hosts', at], host, known)]
      }),
    ),
  ),
]

/** Sidecars route what they know: Services, and the hosts of ServiceEntries. Where it is a destination, too, that is said. */
function checkOwnHosts(routes: GivenRoutes, known: Catalog): readonly Found[] {
  if (routes.gateways.some((name) => name !== 'mesh')) return []
  const destinations = destinationsOf(routes.spec).map(({ destination }) =>
    resolveHost(destination.host, routes.key.namespace),
  )
  const served = [...known.served.values()].flat().map((entry) => entry.split('/').at(-1) ?? entry)
  const isOfGateway = (said: string) => served.some((entry) => entry !== '*' && hostMatches(entry, said))
  return routes.spec.hosts.flatMap((said, at) => {
    const host = resolveHost(said, routes.key.namespace)
    if (host.includes('*') || known.hosts.has(host) || destinations.includes(host) || isOfGateway(said)) return []
    return [missingHost(routes, ['spec', 'hosts', at], host, known)]
  })
}

/** Said once for each host, however often it is named. */
function eachHost(routes: GivenRoutes, known: Catalog): readonly Found[] {
  const places = Map.groupBy(destinationsOf(routes.spec), ({ destination }) =>
    resolveHost(destination.host, routes.key.namespace),
  )
  return [...places].flatMap(([host, [first]]) => {
    if (first === undefined || known.hosts.has(host)) return []
    return [missingHost(routes, [...first.path, 'host'], host, known)]
  })
}

/** Most often it is in another file, unless there is one of nearly the same name. */
function missingHost(object: Given, path: Path, host: string, { hosts }: Catalog): Found {
  const near = nearestHost(host, [...hosts.keys()])
  if (near !== undefined) {
    return error('HostNotFound', object, path, `there is no Service ${host}${didYouMean(near)}`)
  }
  if (hosts.size > 0) {
    const message = `there is no Service ${host} in what was given; give its file, too, or write a ServiceEntry for a host outside`
    return warning('HostNotFound', object, path, message)
  }
  const message = `no Service was given, so whether there is ${host} was not looked at; give the files of the Services, too`
  return info('HostNotFound', object, path, message)
}

const checkPlaces = (routes: GivenRoutes, known: Catalog): readonly Found[] =>
  destinationsOf(routes.spec).flatMap(({ path, destination }) => {
    const name = resolveHost(destination.host, routes.key.namespace)
    const host = known.hosts.get(name)
    return [
      ...(host === undefined ? [] : checkPort({ routes, known, path }, host, destination)),
      ...checkSubset({ routes, known, path }, name, destination.subset),
    ]
  })

interface Place {
  readonly routes: GivenRoutes
  readonly known: Catalog
  readonly path: Path
}

function checkPort({ routes, known, path }: Place, { host, ports }: GivenHost, { port }: DestinationSpec) {
  const numbers = ports.map(({ number }) => number)
  if (port !== undefined) {
    if (numbers.includes(port.number)) return []
    const message = `Service ${host} has no port ${port.number} (it has ${numbers.join(', ') || 'none'})`
    return [error('PortNotFound', routes, [...path, 'port', 'number'], message)]
  }
  if (numbers.length < 2) return []
  const incoming = incomingPorts(routes, known)
  const unknown = incoming.find((number) => !numbers.includes(number))
  if (unknown === undefined) return []
  const message = `Service ${host} has several ports (${numbers.join(', ')}) and none is ${unknown}, where requests come in: add port: { number: ... }`
  return [error('PortRequired', routes, path, message)]
}

const incomingPorts = ({ hosts, gateways }: GivenRoutes, known: Catalog): readonly number[] => [
  ...(gateways.includes('mesh') ? hosts.flatMap((host) => known.hosts.get(host)?.ports ?? []) : []).map(
    ({ number }) => number,
  ),
  ...known.gateways
    .filter(({ key }) => gateways.includes(`${key.namespace}/${key.name}`))
    .flatMap(({ spec }) => spec.servers.map(({ port }) => port.number)),
]

function checkSubset({ routes, known, path }: Place, host: string, subset: string | undefined): readonly Found[] {
  if (subset === undefined) return []
  const rules = known.rules.filter((rule) => hostMatches(rule.host, host))
  const names = rules.flatMap(({ spec }) => spec.subsets.map(({ name }) => name))
  if (names.includes(subset)) return []
  const at = [...path, 'subset']
  if (rules.length === 0) {
    const message = `no DestinationRule for ${host} was given; without one that has a subset "${subset}" the route is refused`
    return [warning('SubsetNotFound', routes, at, message)]
  }
  const near = nearest(subset, names)
  const instead = near === undefined ? ` (there are ${names.join(', ') || 'none'})` : didYouMean(near)
  const message = `no DestinationRule in what was given gives ${host} a subset "${subset}"${instead}`
  return [error('SubsetNotFound', routes, at, message)]
}

const destinationsOf = ({ http, tcp }: VirtualServiceSpec) => [
  ...httpDestinations(http),
  ...tcp.flatMap(({ route }, index) =>
    route.map(({ destination }, position) => ({
      path: ['spec', 'tcp', index, 'route', position, 'destination'],
      destination,
    })),
  ),
]

const httpDestinations = (http: VirtualServiceSpec['http']) =>
  http.flatMap(({ route, mirror, mirrors }, index) => [
    ...route.map(({ destination }, position) => ({
      path: ['spec', 'http', index, 'route', position, 'destination'],
      destination,
    })),
    ...(mirror === undefined ? [] : [{ path: ['spec', 'http', index, 'mirror'], destination: mirror }]),
    ...mirrors.map(({ destination }, position) => ({
      path: ['spec', 'http', index, 'mirrors', position, 'destination'],
      destination,
    })),
  ])
