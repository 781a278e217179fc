import { type Pod, publishedPort, serviceAddressesAnnotation } from '../../api/index.ts'
import { parseJson, remember } from '../../base/index.ts'
import type { OutboundListener, TcpRoute } from '../model/index.ts'
import { fieldsOf } from './fields.ts'
import { serviceIdentity } from './hosts.ts'
import { serviceTableName } from './mesh-routes.ts'
import type { RegisteredPort, RegisteredService } from './registry.ts'
import type { Scope } from './scope.ts'

/** A port of a Service, and where the application finds it. */
export interface ReachedPort {
  readonly service: RegisteredService
  readonly port: RegisteredPort
  readonly bind: string
}

export const isTcp = ({ port }: ReachedPort): boolean => port.protocol === 'tcp'

export function reachedPorts(pod: Pod, services: Scope['reached']): readonly ReachedPort[] {
  const reachable = reachableIn(services)
  return serviceAddresses(pod).flatMap(({ namespace, name, address: bind }) => {
    const service = reachable.get(serviceIdentity(namespace, name).host)
    return service === undefined ? [] : uniquePorts(service).map((port) => ({ service, port, bind }))
  })
}

/** The routes are those of the TCP ports, in their order. */
export function outboundListeners(
  reached: readonly ReachedPort[],
  tcpRoutes: readonly TcpRoute[],
): readonly OutboundListener[] {
  const routes = tcpRoutes.values()
  return reached.map(({ service, port, bind }): OutboundListener => {
    const at = { bind: { address: bind, port: publishedPort(port.number) }, service: service.identity }
    const route = port.protocol === 'tcp' ? routes.next().value : undefined
    return route === undefined
      ? { kind: 'http', ...at, routeTable: serviceTableName(service.identity.host, port.number) }
      : { kind: 'tcp', ...at, route }
  })
}

/** By host. Proxies share what they reach. */
const reachableIn = remember(
  (reached: Scope['reached']): ReadonlyMap<string, RegisteredService> =>
    new Map(reached.map((service) => [service.identity.host, service])),
)

/** Ports 80 and 20080 of one Service would be published as one. */
const uniquePorts = ({ ports }: RegisteredService): readonly RegisteredPort[] =>
  [...new Map(ports.toReversed().map((port) => [publishedPort(port.number), port])).values()].toReversed()

/** What the node agent wrote; text that is none of its own is no address. */
function serviceAddresses(
  pod: Pod,
): readonly { readonly namespace: string; readonly name: string; readonly address: string }[] {
  const parsed = parseJson(pod.metadata.annotations?.[serviceAddressesAnnotation] ?? '{}')
  return Object.entries(fieldsOf(parsed))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([key, address]) => {
      const [namespace, name] = key.split('/')
      return namespace && name && typeof address === 'string' ? [{ namespace, name, address }] : []
    })
}
