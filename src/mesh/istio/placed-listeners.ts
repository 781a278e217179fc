import { reachablePort } from '../../api/index.ts'
import type { OutboundListener, RouteTable } from '../model/index.ts'
import type { MeshRoutes } from './mesh-routes.ts'
import type { RouteSource } from './route-match.ts'
import type { PlacedServices, Scope } from './scope.ts'

export interface PlacedListeners {
  readonly listeners: readonly OutboundListener[]
  readonly tables: readonly RouteTable[]
}

interface Place {
  readonly routes: MeshRoutes
  readonly source: RouteSource
  readonly isIntercepted: boolean
}

/** Listeners that a Sidecar gives an address of their own; one without any Service there is not. */
export function placedListeners({ placed, sidecar }: Pick<Scope, 'placed' | 'sidecar'>, place: Place): PlacedListeners {
  const built = placed
    .filter(({ services }) => services.length > 0)
    .map((listener) => placedListener(listener, { ...place, origins: sidecar === undefined ? [] : [sidecar] }))
  return {
    listeners: built.flatMap(({ listener }) => listener ?? []),
    tables: built.flatMap(({ table }) => table ?? []),
  }
}

function placedListener(
  place: PlacedServices,
  { routes, source, isIntercepted, origins }: Place & { readonly origins: NonNullable<OutboundListener['origins']> },
): { readonly listener?: OutboundListener; readonly table?: RouteTable } {
  const { bind: address, port: number, isTcp, isCaptured, services } = place
  const at = {
    bind: { address, port: isIntercepted ? number : reachablePort(address, number) },
    origins,
    ...(isIntercepted && !isCaptured ? { isConnectedTo: true as const } : {}),
  }
  if (!isTcp) {
    const table = routes.portTable(number, source, place)
    return { listener: { kind: 'http', ...at, routeTable: table.name }, table }
  }
  const [service] = services
  const [port] = service?.ports ?? []
  if (service === undefined || port === undefined) return {}
  const route = routes.tcpRoute(service, port, { source, address })
  return { listener: { kind: 'tcp', ...at, route, service: service.identity } }
}

/** One listener a place: what a Sidecar puts there comes first, and of that the first. */
export function withPlaced(
  listeners: readonly OutboundListener[],
  placed: readonly OutboundListener[],
): readonly OutboundListener[] {
  const taken = new Map(placed.toReversed().map((listener) => [placeOf(listener), listener]))
  return [...listeners.filter((listener) => !taken.has(placeOf(listener))), ...[...taken.values()].reverse()]
}

const placeOf = ({ bind: { address, port } }: OutboundListener): string => `${address}:${port}`
