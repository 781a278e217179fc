import type { Pod, ServiceEntry, WorkloadEntry } from '../../api/index.ts'
import { type Finding, type Resolution, spiffeId, unknownWorkload, type WorkloadIdentity } from '../model/index.ts'
import { serviceIdentity } from './hosts.ts'
import { byAge, keyOf } from './object-key.ts'
import { readSpec } from './read-spec.ts'
import type { RegisteredEndpoint, RegisteredPort, RegisteredService } from './registry.ts'
import { protocolNamed, startsWithTls } from './supported-port.ts'
import {
  type ServiceEntrySpec,
  serviceEntrySpec,
  type WorkloadEntrySpec,
  workloadEntrySpec,
} from './supported-service-entry.ts'
import { labelsContain, namespaceOf, workloadOf } from './workload.ts'

export interface ServiceEntriesInput {
  readonly serviceEntries: readonly ServiceEntry[]
  readonly workloadEntries: readonly WorkloadEntry[]
  readonly pods: readonly Pod[]
  /** Whether a port of a pod takes the mesh's TLS. */
  readonly takesMutualTls: (pod: Pod, port: number) => boolean
}

/** A process that ServiceEntries select by its labels. */
interface Workload {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly entry: WorkloadEntrySpec
  readonly identity: WorkloadIdentity
  readonly takesMutualTls: (port: number) => boolean
}

/** The hosts of ServiceEntries beside those that are known; of two for one host the older one counts. */
export function registerServiceEntries(
  { serviceEntries, workloadEntries, ...input }: ServiceEntriesInput,
  known: ReadonlyMap<string, RegisteredService>,
): { readonly services: ReadonlyMap<string, RegisteredService>; readonly findings: readonly Finding[] } {
  const services = new Map(known)
  const findings: Finding[] = []
  const { workloads, findings: workloadFindings } = readWorkloads(workloadEntries, input)
  for (const object of serviceEntries.toSorted(byAge)) {
    const read = readSpec(serviceEntrySpec, object.spec)
    const key = keyOf(object)
    if (!read.ok) {
      findings.push({ object: key, reason: 'Invalid', message: read.error })
      continue
    }
    for (const host of new Set(read.value.hosts)) {
      const owner = services.get(host) ?? serviceNamed(host, services)
      if (owner === undefined) services.set(host, registerHost(host, object, read.value, workloads))
      else
        findings.push({
          object: key,
          reason: 'Conflict',
          message: `spec.hosts: ${host} is known already, by ${ownerOf(owner)}`,
        })
    }
  }
  return { services, findings: [...workloadFindings, ...findings] }
}

/** `web.shop` and `web.shop.svc` are names of a Service, too. */
function serviceNamed(host: string, services: ReadonlyMap<string, RegisteredService>): RegisteredService | undefined {
  const [, name, namespace] = /^([^.]+)\.([^.]+)(?:\.svc)?$/.exec(host) ?? []
  return name && namespace ? services.get(serviceIdentity(namespace, name).host) : undefined
}

const ownerOf = ({ isExternal, identity }: RegisteredService): string =>
  `${isExternal ? 'an older ServiceEntry' : 'a Service'} of the namespace ${identity.namespace}`

function registerHost(
  host: string,
  object: ServiceEntry,
  spec: ServiceEntrySpec,
  workloads: readonly Workload[],
): RegisteredService {
  const namespace = namespaceOf(object)
  const { workloadSelector } = spec
  const selected = workloads.filter(
    (each) => workloadSelector && each.namespace === namespace && labelsContain(each.labels, workloadSelector.labels),
  )
  const ports = spec.ports.map((port): RegisteredPort => {
    const protocol = protocolNamed(port.protocol)
    return {
      number: port.number,
      protocol,
      ...(startsWithTls(port.protocol) ? { isTls: true } : {}),
      spec: { name: port.name, port: port.number },
      // A connection names no host that could be looked for.
      resolution:
        protocol === 'tcp' && spec.resolution === 'NONE' ? 'original-destination' : resolutions[spec.resolution],
      endpoints:
        workloadSelector === undefined
          ? addressesOf(host, spec).map((entry) => endpointOf(entry, port, unknownWorkload))
          : selected.map((workload) => selectedEndpoint(workload, port, spec)),
    }
  })
  const inMesh = ports.flatMap(({ endpoints }) => endpoints).filter(({ takesMutualTls = false }) => takesMutualTls)
  const entries = workloadSelector === undefined ? spec.endpoints : selected.map(({ entry }) => entry)
  const named = entries.flatMap(({ serviceAccount }) => serviceAccount ?? [])
  return {
    identity: { namespace, name: host, host },
    createdAt: object.metadata.creationTimestamp ?? '',
    selector: {},
    exportTo: spec.exportTo,
    addresses: spec.addresses,
    isExternal: true,
    origin: keyOf(object),
    identities: [
      ...new Set([
        ...inMesh.map(({ workload }) => spiffeId(workload)),
        ...named.map((serviceAccount) => spiffeId({ namespace, serviceAccount })),
      ]),
    ].sort(),
    ports,
  }
}

/** Only hosts that are said to be inside of the mesh are spoken to in its TLS, as in Istio. */
function selectedEndpoint(
  { entry, identity, labels, takesMutualTls }: Workload,
  port: ServiceEntrySpec['ports'][number],
  { location }: ServiceEntrySpec,
): RegisteredEndpoint {
  const endpoint = endpointOf({ ...entry, labels }, port, identity)
  return location === 'MESH_INTERNAL' && takesMutualTls(endpoint.port)
    ? { ...endpoint, takesMutualTls: true }
    : endpoint
}

const resolutions: Readonly<Record<ServiceEntrySpec['resolution'], Resolution>> = {
  NONE: 'none',
  STATIC: 'static',
  DNS: 'dns',
  DNS_ROUND_ROBIN: 'dns-one-address',
}

/** A name is resolved itself where no endpoint is named. */
const addressesOf = (host: string, { endpoints, resolution }: ServiceEntrySpec): readonly WorkloadEntrySpec[] =>
  endpoints.length === 0 && (resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN')
    ? [{ address: host, ports: {}, labels: {} }]
    : endpoints

function endpointOf(
  { address, ports, labels, locality, weight, serviceAccount }: WorkloadEntrySpec,
  port: ServiceEntrySpec['ports'][number],
  identity: WorkloadIdentity,
): RegisteredEndpoint {
  const [region = '', zone = '', subZone = ''] = locality?.split('/') ?? []
  return {
    address,
    port: ports[port.name] ?? port.targetPort ?? port.number,
    workload: serviceAccount === undefined ? identity : { ...identity, serviceAccount },
    ...(locality === undefined ? {} : { locality: { region, zone, subZone } }),
    ...(weight === undefined ? {} : { weight }),
    labels,
  }
}

function readWorkloads(
  objects: readonly WorkloadEntry[],
  { pods, takesMutualTls }: Pick<ServiceEntriesInput, 'pods' | 'takesMutualTls'>,
) {
  const findings: Finding[] = []
  const workloads: Workload[] = pods.flatMap((pod) => {
    const address = pod.status?.phase === 'Running' ? pod.status.podIP : undefined
    if (address === undefined) return []
    const labels = pod.metadata.labels ?? {}
    const entry = { address, ports: {}, labels }
    return [
      {
        namespace: namespaceOf(pod),
        labels,
        entry,
        identity: workloadOf(pod),
        takesMutualTls: (port: number) => takesMutualTls(pod, port),
      },
    ]
  })
  for (const object of objects.toSorted(byAge)) {
    const read = readSpec(workloadEntrySpec, object.spec)
    if (!read.ok) findings.push({ object: keyOf(object), reason: 'Invalid', message: read.error })
    else {
      const { labels } = read.value
      workloads.push({
        namespace: namespaceOf(object),
        labels,
        entry: read.value,
        identity: identityOf(object, labels),
        takesMutualTls: () => false,
      })
    }
  }
  return { workloads, findings }
}

function identityOf(object: WorkloadEntry, labels: Readonly<Record<string, string>>): WorkloadIdentity {
  const { name } = object.metadata
  return {
    workload: name,
    namespace: namespaceOf(object),
    app: labels.app ?? 'unknown',
    version: labels.version ?? 'unknown',
    canonicalService:
      labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? name,
    canonicalRevision: labels['service.istio.io/canonical-revision'] ?? labels.version ?? 'latest',
    serviceAccount: 'default',
  }
}
