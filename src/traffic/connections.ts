import type { Canary, TcpRoute } from '../api/index.ts'
import { destinationOf } from './destination.ts'
import type { Traffic } from './port.ts'
import { serviceNamesOf } from './service-names.ts'

/** Whoever connects is led to one version, and stays there for as long as the connection is open. */
export function splitConnections(canary: Canary, traffic: Traffic): TcpRoute {
  const names = serviceNamesOf(canary)
  return {
    route: [
      { destination: destinationOf(canary, names.primary), weight: traffic.primary },
      { destination: destinationOf(canary, names.canary), weight: traffic.canary },
    ],
  }
}

/** A Canary that once moved connections leaves none of their routes behind. */
export function isConnectionSplit(canary: Canary, { route }: TcpRoute): boolean {
  const names = serviceNamesOf(canary)
  return route.some(({ destination: { host } }) => host === names.primary || host === names.canary)
}
