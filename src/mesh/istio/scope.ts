import { findOrMake, remember } from '../../base/index.ts'
import type { ObjectKey } from '../model/index.ts'
import type { DestinationClient, DestinationRules, DestinationView } from './destination-rule.ts'
import type { Egress, PlacedEgress } from './egress.ts'
import type { RegisteredService } from './registry.ts'
import type { Sidecars } from './sidecar.ts'
import type { IngressSpec } from './supported-sidecar.ts'
import type { DestinationCatalog, RouteRules } from './virtual-service.ts'
import { isExportedTo } from './visibility.ts'

/** What a proxy may know of the mesh: what is exported to its namespace, of which its Sidecar may leave little. */
export interface Scope {
  /** Equal keys, equal scopes. Empty when nothing is left out. */
  readonly key: string
  /** What routes may lead to. */
  readonly services: ReadonlyMap<string, RegisteredService>
  /** What the application asks for by name. */
  readonly reached: readonly RegisteredService[]
  /** What it asks for at addresses of their own. */
  readonly placed: readonly PlacedServices[]
  /** Oldest first. */
  readonly rules: readonly RouteRules[]
  readonly destinations: DestinationView
  readonly unknownHosts: 'passthrough' | 'refuse'
  /** The listeners that others reach the workload by; those that are found out by themselves when empty. */
  readonly ingress: readonly IngressSpec[]
  /** The Sidecar that leaves so much; absent where there is none. */
  readonly sidecar?: ObjectKey
}

export interface PlacedServices extends Omit<PlacedEgress, 'meant'> {
  readonly services: readonly RegisteredService[]
}

export const catalogOf = ({
  services,
  destinations,
}: Pick<Scope, 'services' | 'destinations'>): DestinationCatalog => ({
  services,
  policies: destinations.policies,
})

export interface ScopesInput {
  readonly services: ReadonlyMap<string, RegisteredService>
  readonly rules: readonly RouteRules[]
  readonly destinations: DestinationRules
  readonly sidecars: Sidecars
}

type Workload = Omit<DestinationClient, 'isGateway'>

export interface Scopes {
  ofSidecar(workload: Workload): Scope
  /** Sidecar objects do not count for gateways. */
  ofGateway(workload: Workload): Scope
}

/** Of Services that are as before the lists are the very same. */
export function createScopeReader(): (input: ScopesInput) => Scopes {
  const visibleIn = remember((services: ScopesInput['services']) => {
    const known = new Map<string, Visible>()
    return (namespace: string): Visible => findOrMake(known, namespace, () => visibleFrom(services, namespace))
  })
  const leftOf = remember((reached: Scope['reached']) =>
    remember(
      ({ left, placed }: Egress): Left => ({
        reached: reached.flatMap((service) => left(service)),
        placed: placed.map(({ meant, ...place }) => ({ ...place, services: meant(reached) })),
      }),
    ),
  )
  return (input) => createScopes(input, visibleIn(input.services), (reached, egress) => leftOf(reached)(egress))
}

type Left = Pick<Scope, 'reached' | 'placed'>

type Visible = Pick<Scope, 'services' | 'reached'>

function visibleFrom(services: ScopesInput['services'], namespace: string): Visible {
  const visible = [...services].filter(([, { identity, exportTo }]) =>
    isExportedTo({ namespace: identity.namespace, exportTo }, namespace),
  )
  return {
    services: visible.length === services.size ? services : new Map(visible),
    reached: visible.map(([, service]) => service),
  }
}

function createScopes(
  input: ScopesInput,
  visibleIn: (namespace: string) => Visible,
  leftOf: (reached: Scope['reached'], egress: Egress) => Left,
): Scopes {
  const scopes = new Map<string, Scope>()
  const ofClient = createClientScopes(input, visibleIn)
  return {
    ofGateway: (workload) => ofClient({ ...workload, isGateway: true }),
    ofSidecar(workload) {
      const whole = ofClient({ ...workload, isGateway: false })
      const sidecar = input.sidecars.of(workload)
      if (sidecar.key === '') return whole
      const key = `${whole.key}|${sidecar.key}`
      return findOrMake(scopes, key, () => ({
        ...whole,
        key,
        ...leftOf(whole.reached, sidecar.egress),
        rules: whole.rules.filter(({ namespace, hosts }) =>
          hosts.some((host) => sidecar.egress.reaches({ namespace, host })),
        ),
        unknownHosts: sidecar.unknownHosts,
        ingress: sidecar.ingress,
        ...(sidecar.origin === undefined ? {} : { sidecar: sidecar.origin }),
      }))
    },
  }
}

/** Clients of one namespace that see the same policies share a scope. */
function createClientScopes(
  input: ScopesInput,
  visibleIn: (namespace: string) => Visible,
): (client: DestinationClient) => Scope {
  const known = new Map<DestinationView, Map<string, Scope>>()
  return (client) => {
    const { namespace } = client
    const view = input.destinations.from(client)
    const ofView = findOrMake(known, view, () => new Map<string, Scope>())
    return findOrMake(ofView, namespace, () =>
      namespaceScope(input, namespace, { ...visibleIn(namespace), view, id: known.size }),
    )
  }
}

function namespaceScope(
  { services, rules, destinations }: ScopesInput,
  namespace: string,
  { view, id, ...visible }: Visible & { readonly view: DestinationView; readonly id: number },
): Scope {
  const visibleRules = rules.filter((candidate) => isExportedTo(candidate, namespace))
  const isWhole = visible.services === services && visibleRules.length === rules.length && view === destinations.all
  return {
    ...visible,
    key: isWhole ? '' : `${namespace}~${id}`,
    placed: nothingPlaced,
    rules: visibleRules,
    destinations: view,
    unknownHosts: 'passthrough',
    ingress: noIngress,
  }
}

const noIngress: Scope['ingress'] = []

const nothingPlaced: Scope['placed'] = []
