import type { ObjectKey } from '../model/index.ts'
import { checkObject, type Diagnostic, type DiagnosticCode, fieldsOf, objectKeyOf } from './check-object.ts'
import { hostMatches, resolveHost, serviceIdentity } from './hosts.ts'
import { gatewayName } from './route-match.ts'
import {
  type DestinationSpec,
  destinationRuleSpec,
  readSpec,
  type VirtualServiceSpec,
  virtualServiceSpec,
} from './supported.ts'
import { haveCommonClients } from './visibility.ts'

/** What is wrong with each object, and between them. The list of the n-th object is the n-th. */
export function analyze(objects: readonly unknown[]): readonly (readonly Diagnostic[])[] {
  const known = catalogOf(objects)
  return objects.map((object, index) => [...checkObject(object), ...checkReferences(object, index, known)])
}

interface Routes {
  readonly index: number
  readonly key: ObjectKey
  readonly spec: VirtualServiceSpec
  readonly hosts: readonly string[]
}

interface Catalog {
  readonly routes: readonly Routes[]
  /** Ports by the Service's full name. */
  readonly services: ReadonlyMap<string, readonly number[]>
  /** Names of subsets by the full name of the host. */
  readonly subsets: ReadonlyMap<string, ReadonlySet<string>>
  /** The hosts that each serves. */
  readonly gateways: ReadonlyMap<string, readonly string[]>
  readonly sidecars: readonly { readonly index: number; readonly key: ObjectKey; readonly isForAll: boolean }[]
}

function catalogOf(objects: readonly unknown[]): Catalog {
  const entries = objects.map((object, index) => ({ index, object, key: objectKeyOf(object) }))
  const of = (kind: string) => entries.filter(({ key }) => key.kind === kind)
  const rules = of('DestinationRule').flatMap(({ object, key }) => {
    const read = readSpec(destinationRuleSpec, fieldsOf(object).spec)
    return read.ok ? [{ host: resolveHost(read.value.host, key.namespace), subsets: read.value.subsets }] : []
  })
  const namesOf = (group: typeof rules) => new Set(group.flatMap(({ subsets }) => subsets.map(({ name }) => name)))
  return {
    routes: of('VirtualService').flatMap(({ index, object, key }) => {
      const read = readSpec(virtualServiceSpec, fieldsOf(object).spec)
      if (!read.ok) return []
      return [{ index, key, spec: read.value, hosts: read.value.hosts.map((host) => resolveHost(host, key.namespace)) }]
    }),
    services: new Map([
      ...of('Service').map(
        ({ object, key }) => [serviceIdentity(key.namespace, key.name).host, portsOf(object)] as const,
      ),
      ...of('ServiceEntry').flatMap(({ object }) => hostsOf(object).map((host) => [host, portsOf(object)] as const)),
    ]),
    subsets: new Map([...Map.groupBy(rules, ({ host }) => host)].map(([host, group]) => [host, namesOf(group)])),
    gateways: new Map(of('Gateway').map(({ object, key }) => [`${key.namespace}/${key.name}`, servedHosts(object)])),
    sidecars: of('Sidecar').map(({ index, object, key }) => {
      return { index, key, isForAll: fieldsOf(fieldsOf(object).spec).workloadSelector === undefined }
    }),
  }
}

const portsOf = (service: unknown): readonly number[] =>
  listOf(fieldsOf(fieldsOf(service).spec).ports).flatMap(({ port, number = port }) =>
    typeof number === 'number' ? number : [],
  )

function hostsOf(entry: unknown): readonly string[] {
  const { hosts } = fieldsOf(fieldsOf(entry).spec)
  return Array.isArray(hosts) ? hosts.filter((host) => typeof host === 'string') : []
}

/** Also of a Gateway that is refused: what is bound to it is another object's mistake. */
const servedHosts = (gateway: unknown): readonly string[] =>
  listOf(fieldsOf(fieldsOf(gateway).spec).servers).flatMap(({ hosts, port }) =>
    [...(Array.isArray(hosts) ? hosts : []), fieldsOf(port).host].filter((host) => typeof host === 'string'),
  )

const listOf = (value: unknown): readonly ReturnType<typeof fieldsOf>[] =>
  Array.isArray(value) ? value.map(fieldsOf) : []

type Report = (code: DiagnosticCode, path: Diagnostic['path'], message: string, severity?: 'warning') => Diagnostic

function checkReferences(object: unknown, index: number, known: Catalog): readonly Diagnostic[] {
  const key = objectKeyOf(object)
  const report: Report = (code, path, message, severity) => ({
    severity: severity ?? 'error',
    code,
    object: key,
    path,
    message,
  })
  if (key.kind === 'Sidecar') return checkSidecar(key, index, known, report)
  const routes = known.routes.find((each) => each.index === index)
  if (routes === undefined) return []
  return [
    ...checkHosts(routes, known, report),
    ...checkGateways(routes, known, report),
    ...checkReachable(routes, report),
    ...destinationsOf(routes.spec).flatMap(({ path, destination }) =>
      checkDestination(destination, path, { namespace: key.namespace, known, report }),
    ),
  ]
}

function checkSidecar(key: ObjectKey, index: number, { sidecars }: Catalog, report: Report): readonly Diagnostic[] {
  const own = sidecars.find((each) => each.index === index)
  const first = sidecars.find((each) => each.isForAll && each.key.namespace === key.namespace)
  if (!own?.isForAll || first === undefined || first.index === index) return []
  const message = `${first.key.name} is a Sidecar for all workloads of the namespace already; give one a workloadSelector`
  return [report('SidecarConflict', ['spec'], message)]
}

/** Two objects for one host in the mesh: only one of them would count. */
function checkHosts(routes: Routes, known: Catalog, report: Report): readonly Diagnostic[] {
  const isInMesh = ({ spec }: Routes) => spec.gateways?.includes('mesh') ?? true
  if (!isInMesh(routes)) return []
  const others = known.routes.filter((other) => other.index < routes.index && isInMesh(other))
  return routes.hosts.flatMap((host, position) => {
    const other = others.find((candidate) => candidate.hosts.includes(host) && seeEachOther(candidate, routes))
    if (other === undefined) return []
    const name = `${other.key.namespace}/${other.key.name}`
    const message = `${host} is routed by the VirtualService ${name} already; merge the two or delete one`
    return [report('HostConflict', ['spec', 'hosts', position], message)]
  })
}

const seeEachOther = (left: Routes, right: Routes): boolean =>
  haveCommonClients(
    { namespace: left.key.namespace, exportTo: left.spec.exportTo },
    { namespace: right.key.namespace, exportTo: right.spec.exportTo },
  )

function checkGateways(routes: Routes, { gateways, services }: Catalog, report: Report): readonly Diagnostic[] {
  const { namespace } = routes.key
  const named = routes.spec.gateways?.map((name) => gatewayName(name, namespace))
  if (named !== undefined) {
    return named.flatMap((name, position) => {
      if (name === 'mesh' || gateways.has(name)) return []
      return [
        report('GatewayNotFound', ['spec', 'gateways', position], `there is no Gateway ${name} in what was given`),
      ]
    })
  }
  return routes.spec.hosts.flatMap((host) => {
    const serving = [...gateways].find(([, hosts]) => servesHost(hosts, host))
    if (serving === undefined || services.has(resolveHost(host, namespace))) return []
    const message = `the Gateway ${serving[0]} serves ${host}, but without spec.gateways the routes count for sidecars only: add gateways: [${serving[0]}]`
    return [report('NotBoundToGateway', ['spec', 'gateways'], message)]
  })
}

const servesHost = (served: readonly string[], host: string): boolean =>
  served.some((entry) => entry !== '*' && hostMatches(entry.split('/').at(-1) ?? entry, host))

/** What follows a route without a match is never asked. */
function checkReachable({ spec }: Routes, report: Report): readonly Diagnostic[] {
  return [
    { list: 'http', routes: spec.http, all: 'request' } as const,
    { list: 'tcp', routes: spec.tcp, all: 'connection' } as const,
  ].flatMap(({ list, routes, all }) => {
    const last = routes.findIndex(({ match = [] }) => match.length === 0)
    if (last === -1 || last === routes.length - 1) return []
    const message = `never reached: spec.${list}[${last}] has no match and takes every ${all}`
    return [report('UnreachableRoute', ['spec', list, last + 1], message, 'warning')]
  })
}

interface Place {
  readonly namespace: string
  readonly known: Catalog
  readonly report: Report
}

function checkDestination(
  { host, subset, port }: DestinationSpec,
  path: Diagnostic['path'],
  { namespace, known, report }: Place,
): readonly Diagnostic[] {
  const name = resolveHost(host, namespace)
  const ports = known.services.get(name)
  const found: Diagnostic[] = []
  if (ports === undefined) {
    found.push(report('HostNotFound', [...path, 'host'], `there is no Service ${name} in what was given`, 'warning'))
  } else if (port !== undefined && !ports.includes(port.number)) {
    const message = `Service ${name} has no port ${port.number} (it has ${ports.join(', ') || 'none'})`
    found.push(report('PortNotFound', [...path, 'port', 'number'], message))
  }
  if (subset !== undefined && known.subsets.get(name)?.has(subset) !== true) {
    const message = `no DestinationRule in what was given gives ${name} a subset "${subset}"`
    found.push(report('SubsetNotFound', [...path, 'subset'], message))
  }
  return found
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
