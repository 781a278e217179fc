import { hostMatches } from './hosts.ts'
import type { RegisteredPort, RegisteredService } from './registry.ts'
import { protocolNamed } from './supported-port.ts'
import type { EgressSpec } from './supported-sidecar.ts'

/** What the listeners of a Sidecar leave of the mesh. */
export interface Egress {
  reaches(service: { readonly namespace: string; readonly host: string }): boolean
  /** The Service with the ports that are left; none without any. */
  left(service: RegisteredService): readonly RegisteredService[]
}

/**
 * Requests to a port that a listener names go to the hosts of that listener alone. Connections are told apart by the
 * address of their Service, so there the listener of all other ports counts beside it.
 */
export function createEgress(listeners: readonly EgressSpec[], ownNamespace: string): Egress {
  const forRequests = new Set(
    listeners.flatMap(({ port }) => (port !== undefined && !isTcp(port) ? [port.number] : [])),
  )
  const isMeant = ({ port: named }: EgressSpec, port: RegisteredPort): boolean => {
    if (named !== undefined) return named.number === port.number && isTcp(named) === (port.protocol === 'tcp')
    return port.protocol === 'tcp' || !forRequests.has(port.number)
  }
  const naming = ({ namespace, host }: { readonly namespace: string; readonly host: string }) =>
    listeners.filter(({ hosts }) => hosts.some((pattern) => egressMatches(pattern, ownNamespace, namespace, host)))
  return {
    reaches: (service) => naming(service).length > 0,
    left(service) {
      const own = naming(service.identity)
      const ports = service.ports.filter((port) => own.some((listener) => isMeant(listener, port)))
      if (own.length === 0 || (ports.length === 0 && service.ports.length > 0)) return []
      return [ports.length === service.ports.length ? service : { ...service, ports }]
    },
  }
}

const isTcp = ({ protocol }: NonNullable<EgressSpec['port']>): boolean => protocolNamed(protocol) === 'tcp'

function egressMatches(pattern: string, ownNamespace: string, namespace: string, host: string): boolean {
  const [from = '', wanted = ''] = pattern.split('/')
  const isFrom = from === '*' || (from === '.' ? ownNamespace : from) === namespace
  return isFrom && hostMatches(wanted, host)
}
