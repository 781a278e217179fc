import { keepLast, remember } from '../../base/index.ts'
import type { Finding, Protocol } from '../model/index.ts'
import type { GatewayRules } from './gateway.ts'
import { buildTcpRoute } from './tcp-routes.ts'
import { buildRoutes, type DestinationCatalog, type RouteRules } from './virtual-service.ts'

/** What is wrong with where the rules lead. */
export type DestinationCheck = typeof destinationFindings

/** Rules that are as before, with all that they may lead to, are not asked again. */
export function createDestinationCheck(): DestinationCheck {
  const keep = remember((_: RouteRules) => keepLast<readonly Finding[]>())
  return (rules, catalog, gateways) =>
    keep(rules)([catalog.services, catalog.policies, gateways], () => destinationFindings(rules, catalog, gateways))
}

/** Asks every route of the rules once, whether or not a proxy needs it. */
function destinationFindings(
  rules: RouteRules,
  catalog: DestinationCatalog,
  gateways: readonly GatewayRules[],
): readonly Finding[] {
  const problems = placesOf(rules, catalog, gateways).flatMap(({ gateway, port, protocol }) => {
    if (protocol === 'tcp') return tcpProblems(rules, { gateway, port }, catalog)
    return rules.http.flatMap(({ match: _, ...http }, index) => {
      const context = { gateway, namespace: rules.namespace, port, source: { namespace: rules.namespace, labels: {} } }
      const { problems: found } = buildRoutes({ ...rules, http: [http] }, context, catalog)
      return found.map((problem) => problem.replace('spec.http[0]', `spec.http[${index}]`))
    })
  })
  if (problems.length === 0) return []
  return [{ object: rules.key, reason: 'DestinationNotFound', message: [...new Set(problems)].join('; ') }]
}

const tcpProblems = (rules: RouteRules, place: Omit<Place, 'protocol'>, catalog: DestinationCatalog) =>
  rules.tcp.flatMap(({ match: _, ...tcp }, index) => {
    const source = { namespace: rules.namespace, labels: {} }
    const context = { ...place, namespace: rules.namespace, source, addresses: [] }
    const { problems } = buildTcpRoute({ ...rules, tcp: [tcp] }, context, catalog)
    return problems.map((problem) => problem.replace('spec.tcp[0]', `spec.tcp[${index}]`))
  })

interface Place {
  readonly gateway: string
  readonly port: number
  readonly protocol: Protocol | 'https'
}

function placesOf(
  rules: RouteRules,
  { services }: DestinationCatalog,
  gateways: readonly GatewayRules[],
): readonly Place[] {
  const inMesh = rules.gateways.includes('mesh')
    ? rules.hosts.flatMap((host) =>
        (services.get(host)?.ports ?? []).map(({ number, protocol }) => ({ gateway: 'mesh', port: number, protocol })),
      )
    : []
  const atGateways = gateways.flatMap(({ key, servers }) => {
    const gateway = `${key.namespace}/${key.name}`
    return rules.gateways.includes(gateway) ? servers.map(({ port, protocol }) => ({ gateway, port, protocol })) : []
  })
  return [...inMesh, ...atGateways]
}
