import { findOrMake } from '../../base/index.ts'
import { keyText, type OutboundListener, type TcpRoute } from '../model/index.ts'
import { createFirstOnly } from './first-only.ts'
import { isInterceptable } from './interception.ts'
import { portTableName } from './mesh-routes.ts'
import type { RegisteredPort, RegisteredService } from './registry.ts'

const anywhere = '0.0.0.0'

/** Ports of the mesh that speak HTTP, each once. */
export const httpPortNumbers = (services: readonly RegisteredService[]): readonly number[] =>
  [...new Set(portsOf(services, isHttp).map(({ port }) => port.number))].sort((left, right) => left - right)

/**
 * Listeners for what an intercepted program asks for: one for each HTTP port, which tells Services apart by their names,
 * and one for each address of a Service with a TCP port: those of its pods where it has none itself. A host outside of
 * the cluster without an address of its own is known by the name in its handshake; without one it has the whole port.
 * Where somebody speaks HTTP at any address there is neither.
 */
export function capturedListeners(
  services: readonly RegisteredService[],
  routeOf: RouteOf,
): readonly OutboundListener[] {
  const isFirst = createFirstOnly()
  const http = httpPortNumbers(services).map((port): OutboundListener => {
    return { kind: 'http', bind: { address: anywhere, port }, routeTable: portTableName(port) }
  })
  const ofConnections = portsOf(services, ({ protocol }) => protocol === 'tcp')
  const named = ofConnections.filter(isNamed)
  const others = ofConnections.filter((each) => !isNamed(each))
  return [
    ...http,
    ...[...Map.groupBy(named, ({ port }) => port.number)].map(([port, group]) => namedListener(port, group, routeOf)),
    ...others.flatMap(({ service, port }) =>
      placesOf(service, port).map((bind): OutboundListener => {
        const route = routeOf(service, port, bind.address)
        return { kind: 'tcp', bind, route, service: service.identity, ...originsOf([service]) }
      }),
    ),
  ].filter(({ bind: { address, port } }) => isFirst(`${address}:${port}`))
}

type RouteOf = (service: RegisteredService, port: RegisteredPort, address: string) => TcpRoute

interface ServicePort {
  readonly service: RegisteredService
  readonly port: RegisteredPort
}

const isNamed = ({ service, port }: ServicePort): boolean =>
  port.isTls === true && service.isExternal && service.addresses.length === 0

function namedListener(port: number, group: readonly ServicePort[], routeOf: RouteOf): OutboundListener {
  const bind = { address: anywhere, port }
  const routes = new Map<string, TcpRoute>()
  for (const each of group) {
    findOrMake(routes, each.service.identity.host.toLowerCase(), () => routeOf(each.service, each.port, anywhere))
  }
  const hosts = [...routes].map(([serverName, route]) => ({ serverName, route }))
  return { kind: 'tls', bind, hosts, ...originsOf(group.map(({ service }) => service)) }
}

function placesOf({ addresses, isExternal, isHeadless }: RegisteredService, port: RegisteredPort) {
  const places = addresses.map((address) => ({ address, port: port.number }))
  const pods = isHeadless === true ? port.endpoints.map(({ address, port: own }) => ({ address, port: own })) : []
  const found = [...places, ...pods].filter(({ address }) => isInterceptable(address))
  return isExternal && addresses.length === 0 ? [{ address: anywhere, port: port.number }] : found
}

function originsOf(services: readonly RegisteredService[]): Pick<OutboundListener, 'origins'> {
  const origins = new Map(
    services.flatMap(({ origin }) => (origin === undefined ? [] : [[keyText(origin), origin] as const])),
  )
  return origins.size === 0 ? {} : { origins: [...origins.values()] }
}

const isHttp = ({ protocol }: RegisteredPort): boolean => protocol !== 'tcp'

const portsOf = (services: readonly RegisteredService[], wanted: (port: RegisteredPort) => boolean) =>
  services.flatMap((service) => service.ports.filter(wanted).map((port) => ({ service, port })))
