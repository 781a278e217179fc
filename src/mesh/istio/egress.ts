import { hostMatches } from './hosts.ts'
import type { RegisteredPort, RegisteredService } from './registry.ts'
import { protocolNamed } from './supported-port.ts'
import { type EgressSpec, placeOf } from './supported-sidecar.ts'

/** What the listeners of a Sidecar leave of the mesh. */
export interface Egress {
  reaches(service: { readonly namespace: string; readonly host: string }): boolean
  /** The Service with the ports that are left at its own addresses; none without any. */
  left(service: RegisteredService): readonly RegisteredService[]
  /** Listeners with an address of their own. */
  readonly placed: readonly PlacedEgress[]
  /** Listeners that lead nowhere, by their place in the list: none of their hosts has the port. */
  idle(services: readonly RegisteredService[]): readonly number[]
}

export interface PlacedEgress {
  readonly bind: string
  readonly port: number
  readonly isTcp: boolean
  /** Whether it is for connections that are intercepted, where any are; else programs connect to it themselves. */
  readonly isCaptured: boolean
  /** The Services that it leads to, with its port alone. */
  meant(services: readonly RegisteredService[]): readonly RegisteredService[]
}

/**
 * Requests to a port that a listener names go to the hosts of that listener alone. Connections are told apart by the
 * address of their Service, so there the listener of all other ports counts beside it.
 */
export function createEgress(listeners: readonly EgressSpec[], ownNamespace: string): Egress {
  const atServices = listeners.filter((listener) => placeOf(listener) === undefined)
  const forRequests = new Set(
    atServices.flatMap(({ port }) => (port !== undefined && !isTcp(port) ? [port.number] : [])),
  )
  const isMeant = (listener: EgressSpec, port: RegisteredPort): boolean =>
    listener.port === undefined ? port.protocol === 'tcp' || !forRequests.has(port.number) : isNamed(listener, port)
  const isOf = ({ namespace, host }: { readonly namespace: string; readonly host: string }) => {
    return ({ hosts }: EgressSpec) => hosts.some((pattern) => egressMatches(pattern, ownNamespace, namespace, host))
  }
  const meant = (listener: EgressSpec, services: readonly RegisteredService[]) =>
    services
      .filter(({ identity }) => isOf(identity)(listener))
      .flatMap((service) => withPorts(service, (port) => isNamed(listener, port)))
  return {
    reaches: (service) => listeners.some(isOf(service)),
    left(service) {
      const own = atServices.filter(isOf(service.identity))
      if (own.length > 0 && service.ports.length === 0) return [service]
      return withPorts(service, (port) => own.some((listener) => isMeant(listener, port)))
    },
    placed: listeners.flatMap((listener) => {
      const { port, captureMode } = listener
      const bind = placeOf(listener)
      if (port === undefined || bind === undefined) return []
      const place = { bind, port: port.number, isTcp: isTcp(port), isCaptured: captureMode !== 'NONE' }
      return [{ ...place, meant: (services) => meant(listener, services) }]
    }),
    idle: (services) =>
      [...listeners.entries()].flatMap(([index, listener]) =>
        listener.port === undefined || meant(listener, services).length > 0 ? [] : [index],
      ),
  }
}

const isNamed = ({ port: named }: EgressSpec, { number, protocol }: RegisteredPort): boolean =>
  named?.number === number && isTcp(named) === (protocol === 'tcp')

/** None without any port that is left. */
function withPorts(
  service: RegisteredService,
  isLeft: (port: RegisteredPort) => boolean,
): readonly RegisteredService[] {
  const ports = service.ports.filter(isLeft)
  if (ports.length === 0) return []
  return [ports.length === service.ports.length ? service : { ...service, ports }]
}

const isTcp = ({ protocol }: NonNullable<EgressSpec['port']>): boolean => protocolNamed(protocol) === 'tcp'

function egressMatches(pattern: string, ownNamespace: string, namespace: string, host: string): boolean {
  const [from = '', wanted = ''] = pattern.split('/')
  const isFrom = from === '*' || (from === '.' ? ownNamespace : from) === namespace
  return isFrom && hostMatches(wanted, host)
}
