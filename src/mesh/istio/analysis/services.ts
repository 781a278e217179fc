import { hostMatches } from '../hosts.ts'
import { isInterceptable } from '../interception.ts'
import { protocolNamed, startsWithTls } from '../supported-port.ts'
import { placeOf } from '../supported-sidecar.ts'
import { haveCommonClients } from '../visibility.ts'
import type { Catalog, GivenRoutes } from './catalog.ts'
import { ownPortOf, servicesOf } from './cluster.ts'
import { type Found, info, nameOf, warning } from './found.ts'

/** What ports speak. */
export const checkServices = (known: Catalog): readonly Found[] => [
  ...checkNames(known),
  ...checkSharedPorts(known),
  ...known.routes.flatMap((routes) => checkRouteProtocol(routes, known)),
  ...checkEntries(known),
  ...checkSharedConnections(known),
  ...known.sidecars.flatMap((sidecar) => checkPlacedConnections(sidecar, known)),
]

/** Ports are not sniffed: what tells nothing is HTTP/1.1. */
const checkNames = ({ cluster }: Catalog): readonly Found[] =>
  cluster.services.flatMap((service) =>
    service.ports.flatMap(({ number, name, saysProtocol }, index) => {
      if (saysProtocol) return []
      const example = name === undefined || name === '' ? 'http' : `http-${name}`
      const message = `neither the name nor appProtocol says what port ${number} speaks, so that it counts as HTTP/1.1; name it ${example}, or grpc-..., http2-..., tcp-... for what speaks that`
      return [info('PortWithoutProtocol', service, ['spec', 'ports', index], message)]
    }),
  )

/** A port of a pod has one listener, whatever Services lead there. */
const checkSharedPorts = ({ cluster }: Catalog): readonly Found[] =>
  cluster.workloads.flatMap((workload) => {
    const ports = servicesOf(cluster, workload).flatMap((service) =>
      service.ports.map((port, at) => ({ service, port, at, own: ownPortOf(workload, port) })),
    )
    return ports.flatMap((later, index) => {
      const earlier = ports
        .slice(0, index)
        .find(({ own, port }) => own === later.own && (port.protocol === 'tcp') !== (later.port.protocol === 'tcp'))
      if (earlier === undefined) return []
      const message = `leads to port ${later.own} of ${workload.key.kind} ${nameOf(workload)} as ${later.port.protocol}, the Service ${nameOf(earlier.service)} as ${earlier.port.protocol}; only one of the two counts: say the same in both`
      return [warning('PortConflict', later.service, ['spec', 'ports', later.at], message)]
    })
  })

/** Of hosts that routes are for, in the mesh. */
function checkRouteProtocol(routes: GivenRoutes, known: Catalog): readonly Found[] {
  if (!routes.gateways.includes('mesh')) return []
  return routes.hosts.flatMap((host) => {
    const ports = known.hosts.get(host)?.ports ?? []
    const numbers = ports.map(({ number }) => number).join(', ')
    const isTcp = ({ protocol }: (typeof ports)[number]) => protocol === 'tcp'
    if (ports.length === 0) return []
    if (routes.spec.http.length > 0 && ports.every(isTcp)) {
      const message = `count for no port of ${host}: all (${numbers}) are for TCP; name one http-..., or write spec.tcp`
      return [warning('ProtocolMismatch', routes, ['spec', 'http'], message)]
    }
    if (routes.spec.tcp.length > 0 && !ports.some(isTcp)) {
      const message = `count for no port of ${host}: all (${numbers}) are for HTTP; name one tcp-..., or write spec.http`
      return [warning('ProtocolMismatch', routes, ['spec', 'tcp'], message)]
    }
    return []
  })
}

/** Connections without a name in them are known by their addresses alone. */
const checkEntries = ({ entries }: Catalog): readonly Found[] =>
  entries.flatMap((entry) => {
    const { ports, addresses, hosts, resolution, endpoints } = entry.spec
    const isReached = addresses.length > 0 || endpoints.length > 0
    const at = ports.findIndex(({ protocol }) => protocolNamed(protocol) === 'tcp' && !startsWithTls(protocol))
    if (at !== -1 && addresses.length > 0 && !addresses.some(isInterceptable)) {
      const message = `connections to ${addresses.join(', ')} are not intercepted, so that they pass the mesh by; write the IPv4 addresses that programs connect to`
      return [warning('AddressesRequired', entry, ['spec', 'addresses'], message)]
    }
    if (at === -1 || isReached || resolution !== 'NONE') return []
    const message = `connections to ${hosts[0]}:${ports[at]?.number} cannot be told from others of that port, for they name no host; write its addresses in spec.addresses`
    return [warning('AddressesRequired', entry, ['spec', 'ports', at], message)]
  })

type Entry = Catalog['entries'][number]

/** A host of TCP without addresses has its port whole. */
function checkSharedConnections({ entries }: Catalog): readonly Found[] {
  const taken = entries.filter(({ spec }) => spec.addresses.length > 0 || spec.resolution !== 'NONE').flatMap(placesOf)
  return taken.flatMap((later, index) => {
    const earlier = taken.slice(0, index).find((each) => isSamePlace(each, later))
    if (earlier === undefined) return []
    const { entry, host, number, at } = later
    const instead = entry.spec.addresses.length === 0 ? 'spec.addresses' : 'other spec.addresses'
    const message = `proxies do not see which host a connection to port ${number} is for, so that those to ${host} go to ${earlier.host} (ServiceEntry ${nameOf(earlier.entry)}), which has the port as the older one; write ${instead} for each`
    return [warning('PortConflict', entry, ['spec', 'ports', at], message)]
  })
}

const placesOf = (entry: Entry) =>
  entry.spec.hosts.flatMap((host) =>
    entry.spec.ports.flatMap(({ number, protocol }, at) =>
      protocolNamed(protocol) === 'tcp' && !(startsWithTls(protocol) && entry.spec.addresses.length === 0)
        ? [{ entry, host, number, at }]
        : [],
    ),
  )

type Place = ReturnType<typeof placesOf>[number]

const isSamePlace = (left: Place, right: Place): boolean =>
  left.number === right.number &&
  left.host !== right.host &&
  haveCommonAddress(left.entry.spec.addresses, right.entry.spec.addresses) &&
  haveCommonClients(exportOf(left), exportOf(right))

const haveCommonAddress = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === 0 ? right.length === 0 : left.some((address) => right.includes(address))

const exportOf = ({ entry: { key, spec } }: Place) => ({ namespace: key.namespace, exportTo: spec.exportTo })

/** An egress listener for TCP with an address of its own leads to one host. */
function checkPlacedConnections(sidecar: Catalog['sidecars'][number], { hosts }: Catalog): readonly Found[] {
  return (sidecar.spec.egress ?? []).flatMap(({ port, hosts: meant, ...listener }, index) => {
    if (port === undefined || placeOf(listener) === undefined || protocolNamed(port.protocol) !== 'tcp') return []
    const reached = [...hosts.values()].filter(
      ({ host, ports }) =>
        ports.some(({ number, protocol }) => number === port.number && protocol === 'tcp') &&
        meant.some((said) => hostMatches(said.split('/')[1] ?? '', host)),
    )
    const [first, ...others] = reached.map(({ host }) => host)
    if (first === undefined || others.length === 0) return []
    const message = `several hosts have port ${port.number} for TCP (${[first, ...others].join(', ')}), and all connections go to one of them; name one`
    return [warning('PortConflict', sidecar, ['spec', 'egress', index, 'hosts'], message)]
  })
}
