import type { z } from 'zod'
import { fieldAt, fieldsOf, listOf, objectKeyOf } from '../fields.ts'
import { resolveHost } from '../hosts.ts'
import { readSpec } from '../read-spec.ts'
import { gatewayName } from '../route-match.ts'
import { destinationRuleSpec, virtualServiceSpec } from '../supported.ts'
import { gatewaySpec } from '../supported-gateway.ts'
import { protocolNamed } from '../supported-port.ts'
import { authorizationPolicySpec, peerAuthenticationSpec, requestAuthenticationSpec } from '../supported-security.ts'
import { serviceEntrySpec } from '../supported-service-entry.ts'
import { sidecarSpec } from '../supported-sidecar.ts'
import { telemetrySpec } from '../supported-telemetry.ts'
import { type GivenCluster, type GivenPort, type GivenService, readCluster } from './cluster.ts'
import type { Given } from './found.ts'

type GivenSpec<Schema extends z.ZodType> = Given & { readonly spec: z.output<Schema> }

export interface GivenRoutes extends GivenSpec<typeof virtualServiceSpec> {
  /** Full names. */
  readonly hosts: readonly string[]
  /** `mesh` or `namespace/name`. */
  readonly gateways: readonly string[]
}

export interface GivenRule extends GivenSpec<typeof destinationRuleSpec> {
  /** Its full name. */
  readonly host: string
}

/** What is known of a host: of a Service, or of a ServiceEntry. */
export interface GivenHost {
  readonly host: string
  readonly ports: readonly Pick<GivenPort, 'number' | 'protocol'>[]
  readonly service?: GivenService
}

/** All objects that were given, read once. What is refused for itself is left out of the lists of its kind. */
export interface Catalog {
  readonly cluster: GivenCluster
  readonly hosts: ReadonlyMap<string, GivenHost>
  readonly routes: readonly GivenRoutes[]
  readonly rules: readonly GivenRule[]
  readonly gateways: readonly GivenSpec<typeof gatewaySpec>[]
  /** By `namespace/name`; of a Gateway that is refused, too: what is bound to it is another object's mistake. */
  readonly served: ReadonlyMap<string, readonly string[]>
  readonly sidecars: readonly GivenSpec<typeof sidecarSpec>[]
  readonly entries: readonly GivenSpec<typeof serviceEntrySpec>[]
  /** Labels of WorkloadEntries by their place in what was given. */
  readonly workloadEntries: readonly (Given & { readonly labels: unknown })[]
  readonly peerAuthentications: readonly GivenSpec<typeof peerAuthenticationSpec>[]
  readonly authorizations: readonly GivenSpec<typeof authorizationPolicySpec>[]
  readonly requestAuthentications: readonly GivenSpec<typeof requestAuthenticationSpec>[]
  readonly telemetries: readonly GivenSpec<typeof telemetrySpec>[]
  readonly all: readonly (Given & { readonly object: unknown })[]
}

export function catalogOf(objects: readonly unknown[]): Catalog {
  const all = objects.map((object, index) => ({ index, object, key: objectKeyOf(object) }))
  const read = <Schema extends z.ZodType>(kind: string, schema: Schema): readonly GivenSpec<Schema>[] =>
    all
      .filter(({ key, object }) => key.kind === kind && isOfIstio(object))
      .flatMap(({ index, key, object }) => {
        const spec = readSpec(schema, fieldsOf(object).spec)
        return spec.ok ? [{ index, key, spec: spec.value }] : []
      })
  const cluster = readCluster(all)
  const entries = read('ServiceEntry', serviceEntrySpec)
  return {
    ...{ all, cluster, entries },
    hosts: new Map([...cluster.services.map(hostOf), ...entries.flatMap(hostsOf)].map((each) => [each.host, each])),
    routes: read('VirtualService', virtualServiceSpec).map((given) => ({
      ...given,
      hosts: given.spec.hosts.map((host) => resolveHost(host, given.key.namespace)),
      gateways: (given.spec.gateways ?? ['mesh']).map((name) => gatewayName(name, given.key.namespace)),
    })),
    rules: read('DestinationRule', destinationRuleSpec).map((given) => {
      return { ...given, host: resolveHost(given.spec.host, given.key.namespace) }
    }),
    gateways: read('Gateway', gatewaySpec),
    served: new Map(
      all
        .filter(({ key, object }) => key.kind === 'Gateway' && isOfIstio(object))
        .map(({ key, object }) => [`${key.namespace}/${key.name}`, servedHosts(object)]),
    ),
    sidecars: read('Sidecar', sidecarSpec),
    workloadEntries: all
      .filter(({ key }) => key.kind === 'WorkloadEntry')
      .map(({ object, ...given }) => ({ ...given, labels: fieldAt(object, ['spec', 'labels']) })),
    peerAuthentications: read('PeerAuthentication', peerAuthenticationSpec),
    authorizations: read('AuthorizationPolicy', authorizationPolicySpec),
    requestAuthentications: read('RequestAuthentication', requestAuthenticationSpec),
    telemetries: read('Telemetry', telemetrySpec),
  }
}

/** Gateways of another group have the same name. */
const isOfIstio = (object: unknown): boolean => {
  const { apiVersion } = fieldsOf(object)
  return typeof apiVersion !== 'string' || apiVersion.includes('.istio.io/')
}

const hostOf = (service: GivenService): GivenHost => ({ host: service.host, ports: service.ports, service })

const hostsOf = ({ spec }: GivenSpec<typeof serviceEntrySpec>): readonly GivenHost[] =>
  spec.hosts.map((host) => ({
    host,
    ports: spec.ports.map(({ number, protocol }) => ({ number, protocol: protocolNamed(protocol) })),
  }))

const servedHosts = (gateway: unknown): readonly string[] =>
  listOf(fieldAt(gateway, ['spec', 'servers'])).flatMap(({ hosts, port }) =>
    [...(Array.isArray(hosts) ? hosts : []), fieldsOf(port).host].filter((host) => typeof host === 'string'),
  )
