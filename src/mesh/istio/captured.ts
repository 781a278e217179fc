import type { OutboundListener, TcpRoute } from '../model/index.ts'
import { isInterceptable } from './interception.ts'
import { portTableName } from './mesh-routes.ts'
import type { RegisteredPort, RegisteredService } from './registry.ts'

const anywhere = '0.0.0.0'

/** Ports of the mesh that speak HTTP, each once. */
export const httpPortNumbers = (services: readonly RegisteredService[]): readonly number[] =>
  [...new Set(portsOf(services, isHttp).map(({ port }) => port.number))].sort((left, right) => left - right)

/**
 * Listeners for what an intercepted program asks for: one for each HTTP port, which tells Services apart by their names,
 * and one for each address of a Service with a TCP port. A host outside of the cluster without an address of its own has
 * the whole port, unless somebody speaks HTTP there.
 */
export function capturedListeners(
  services: readonly RegisteredService[],
  routeOf: (service: RegisteredService, port: RegisteredPort, address: string) => TcpRoute,
): readonly OutboundListener[] {
  const http = httpPortNumbers(services)
  const listeners = http.map((port): OutboundListener => {
    return { kind: 'http', bind: { address: anywhere, port }, routeTable: portTableName(port) }
  })
  const taken = new Set(http.map((port) => `${anywhere}:${port}`))
  for (const { service, port } of portsOf(services, ({ protocol }) => protocol === 'tcp')) {
    const own = service.addresses.filter(isInterceptable)
    const addresses = own.length === 0 && service.isExternal ? [anywhere] : own
    for (const address of addresses) {
      const place = `${address}:${port.number}`
      if (taken.has(place)) continue
      taken.add(place)
      const bind = { address, port: port.number }
      const route = routeOf(service, port, address)
      listeners.push({ kind: 'tcp', bind, route, service: service.identity, ...originsOf(service) })
    }
  }
  return listeners
}

const originsOf = ({ origin }: RegisteredService): Pick<OutboundListener, 'origins'> =>
  origin === undefined ? {} : { origins: [origin] }

const isHttp = ({ protocol }: RegisteredPort): boolean => protocol !== 'tcp'

const portsOf = (services: readonly RegisteredService[], wanted: (port: RegisteredPort) => boolean) =>
  services.flatMap((service) => service.ports.filter(wanted).map((port) => ({ service, port })))
