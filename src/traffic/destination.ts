import type { Canary, Destination } from '../api/index.ts'

/** A gateway listens on ports of its own, so it must be told which one is meant where the Service has several. */
export function destinationOf({ spec }: Canary, host: string): Destination {
  const { portDiscovery, delegation, gateways = [], port } = spec.service
  const [first = 'mesh'] = gateways
  return portDiscovery && (delegation || first !== 'mesh') ? { host, port: { number: port } } : { host }
}
