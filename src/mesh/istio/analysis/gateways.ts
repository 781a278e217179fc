import { hostMatches, narrowerHost, resolveHost } from '../hosts.ts'
import { didYouMean, nearest } from '../nearest.ts'
import type { Path } from '../path.ts'
import { labelsContain } from '../workload.ts'
import type { Catalog, GivenRoutes } from './catalog.ts'
import { error, type Found, nameOf, warning } from './found.ts'

export const checkGateways = (known: Catalog): readonly Found[] => [
  ...known.routes.flatMap((routes) => checkBindings(routes, known)),
  ...checkListeners(known),
]

function checkBindings(routes: GivenRoutes, known: Catalog): readonly Found[] {
  if (routes.spec.gateways === undefined) return checkUnbound(routes, known)
  return routes.gateways.flatMap((name, position) => {
    const path = ['spec', 'gateways', position]
    if (name === 'mesh') return checkMeshHosts(routes)
    const served = known.served.get(name)
    if (served === undefined) return [missingGateway(routes, path, name, known)]
    return routes.spec.hosts.flatMap((host, at) => {
      if (served.some((entry) => isServed(entry, host, routes.key.namespace))) return []
      const message = `the Gateway ${name} serves ${served.join(', ') || 'nothing'} only, so that no request for ${host} is routed there; add it to the hosts of a server`
      return [warning('HostNotServed', routes, ['spec', 'hosts', at], message)]
    })
  })
}

/** A Gateway may allow only VirtualServices of one namespace: `namespace/host`. */
function isServed(entry: string, host: string, namespace: string): boolean {
  const [left = '', right] = entry.split('/')
  if (right === undefined) return narrowerHost(left, host) !== undefined
  return (left === '*' || left === '.' || left === namespace) && narrowerHost(right, host) !== undefined
}

function checkMeshHosts(routes: GivenRoutes): readonly Found[] {
  return routes.spec.hosts.flatMap((host, at) => {
    if (host !== '*') return []
    const message = 'stands for no host of the mesh; name hosts, or take mesh out of spec.gateways'
    return [warning('HostNotServed', routes, ['spec', 'hosts', at], message)]
  })
}

function missingGateway(routes: GivenRoutes, path: Path, name: string, { served }: Catalog) {
  const known = [...served.keys()]
  const bare = (full: string) => full.split('/')[1] ?? full
  const near = nearest(name, known) ?? known.find((each) => bare(each) === bare(name))
  if (near !== undefined) {
    return error('GatewayNotFound', routes, path, `there is no Gateway ${name}${didYouMean(near)}`)
  }
  const message = `there is no Gateway ${name} in what was given; give its file, too (one of another namespace is written NAMESPACE/NAME)`
  return warning('GatewayNotFound', routes, path, message)
}

function checkUnbound(routes: GivenRoutes, { served, hosts }: Catalog): readonly Found[] {
  return routes.spec.hosts.flatMap((host) => {
    const serving = [...served].find(([, entries]) =>
      entries.some((entry) => entry !== '*' && hostMatches(entry.split('/').at(-1) ?? entry, host)),
    )
    if (serving === undefined || hosts.has(resolveHost(host, routes.key.namespace))) return []
    const message = `the Gateway ${serving[0]} serves ${host}, but without spec.gateways the routes count for sidecars only: add gateways: [${serving[0]}]`
    return [error('NotBoundToGateway', routes, ['spec', 'gateways'], message)]
  })
}

interface Listener {
  readonly gateway: Catalog['gateways'][number]
  readonly server: Catalog['gateways'][number]['spec']['servers'][number]
  readonly at: number
}

/** Servers of one port of one gateway share a listener. */
function checkListeners({ gateways, cluster }: Catalog): readonly Found[] {
  const listeners = gateways.flatMap((gateway) =>
    gateway.spec.servers.map((server, at): Listener => ({ gateway, server, at })),
  )
  const shareProxy = (left: Listener, right: Listener): boolean => {
    const [one, other] = [left.gateway.spec.selector, right.gateway.spec.selector]
    if (labelsContain(one, other) || labelsContain(other, one)) return true
    return cluster.workloads.some(({ labels }) => labelsContain(labels, one) && labelsContain(labels, other))
  }
  return listeners.flatMap((later, index) => {
    const before = listeners
      .slice(0, index)
      .filter((earlier) => earlier.server.port.number === later.server.port.number && shareProxy(earlier, later))
    return [...checkProtocol(later, before), ...checkServedTwice(later, before)].slice(0, 1)
  })
}

const protocolOf = ({ server }: Listener): string =>
  ['HTTPS', 'TCP'].includes(server.port.protocol) ? server.port.protocol : 'HTTP'

function checkProtocol(later: Listener, [first]: readonly Listener[]): readonly Found[] {
  if (first === undefined || protocolOf(first) === protocolOf(later)) return []
  const message = `port ${later.server.port.number} is served as ${protocolOf(first)} for ${placeOf(first)} already, by the same proxy; take another port`
  return [error('GatewayConflict', later.gateway, ['spec', 'servers', later.at, 'port'], message)]
}

/** HTTP servers of several Gateways for one host are one; of HTTPS the first has the name. */
function checkServedTwice(later: Listener, before: readonly Listener[]): readonly Found[] {
  if (protocolOf(later) !== 'HTTPS') return []
  return later.server.hosts.flatMap((host, at) => {
    const earlier = before.find(({ server }) => server.hosts.some((each) => bareHost(each) === bareHost(host)))
    if (earlier === undefined) return []
    const message = `${bareHost(host)} is served on port ${later.server.port.number} for ${placeOf(earlier)} already; take the host out of one of the two`
    return [error('GatewayConflict', later.gateway, ['spec', 'servers', later.at, 'hosts', at], message)]
  })
}

const bareHost = (host: string): string => host.split('/').at(-1) ?? host
const placeOf = ({ gateway, at }: Listener): string => `spec.servers[${at}] of the Gateway ${nameOf(gateway)}`
