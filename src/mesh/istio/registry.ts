import {
  type EndpointSlice,
  isReadyEndpoint,
  type Pod,
  reachablePort,
  type Service,
  type ServicePort,
  type Endpoint as SliceEndpoint,
  serviceNameLabel,
} from '../../api/index.ts'
import { keepLast, remember } from '../../base/index.ts'
import {
  type Endpoint,
  type HealthCheck,
  type ObjectKey,
  type Protocol,
  type Resolution,
  type ServiceIdentity,
  spiffeId,
  unknownWorkload,
} from '../model/index.ts'
import { healthCheckOf } from './health-check.ts'
import { serviceIdentity } from './hosts.ts'
import { localityOf } from './locality.ts'
import { createPodDirectory, type PodDirectory } from './pod-directory.ts'
import { namespaceOf, workloadOf } from './workload.ts'

export interface RegisteredEndpoint extends Endpoint {
  readonly labels: Readonly<Record<string, string>>
}

export interface RegisteredPort {
  readonly number: number
  readonly protocol: Protocol
  /** Clients of a host outside of the cluster name it in a handshake. */
  readonly isTls?: true
  readonly spec: ServicePort
  /** `static` when absent. */
  readonly resolution?: Resolution
  readonly endpoints: readonly RegisteredEndpoint[]
}

export interface RegisteredService {
  readonly identity: ServiceIdentity
  readonly createdAt: string
  readonly selector: Readonly<Record<string, string>>
  /** Its own, by which clients without a name for it connect. */
  readonly addresses: readonly string[]
  /** Namespaces that see it; all when empty. */
  readonly exportTo: readonly string[]
  /** It has no address, and its names lead to its pods themselves. */
  readonly isHeadless?: true
  /** Of a ServiceEntry: it has no name but its host. */
  readonly isExternal: boolean
  /** The ServiceEntry. */
  readonly origin?: ObjectKey
  readonly ports: readonly RegisteredPort[]
  readonly healthCheck?: HealthCheck
  /** SPIFFE URIs that its pods may show, sorted. */
  readonly identities?: readonly string[]
}

export interface RegistryInput {
  readonly services: readonly Service[]
  readonly endpointSlices: readonly EndpointSlice[]
  readonly pods: readonly Pod[]
  /** Whether a port of a pod takes the mesh's TLS. */
  readonly takesMutualTls: (pod: Pod, port: number) => boolean
}

/** Istio's. */
const exportToAnnotation = 'networking.istio.io/exportTo'

/**
 * Services by full name, each port with the endpoints that are ready. A Service of which nothing has changed is the
 * very same as before; so are all together.
 */
export function createRegistryBuilder(): (input: RegistryInput) => ReadonlyMap<string, RegisteredService> {
  const keepAll = keepLast<ReadonlyMap<string, RegisteredService>>()
  const keepService = remember((_: Service) => keepLast<RegisteredService>())
  const register: Register = (service, slices, pods) => {
    const madeOf = [...slices, ...podsIn(slices, pods), selectedBy(service, pods).join(), pods.takesMutualTls]
    return keepService(service)(madeOf, () => registerService(service, slices, pods))
  }
  return (input) =>
    keepAll([input.services, input.endpointSlices, input.pods, input.takesMutualTls], () =>
      buildRegistry(input, register),
    )
}

type Register = typeof registerService

const podsIn = (slices: readonly EndpointSlice[], pods: PodDirectory): readonly (Pod | undefined)[] =>
  slices.flatMap((slice) => (slice.endpoints ?? []).map((endpoint) => podOf(slice, endpoint, pods)))

const podOf = (slice: EndpointSlice, { targetRef }: SliceEndpoint, pods: PodDirectory): Pod | undefined =>
  pods.find(targetRef?.namespace ?? namespaceOf(slice), targetRef?.name ?? '')

function buildRegistry(input: RegistryInput, register: Register): ReadonlyMap<string, RegisteredService> {
  const pods = createPodDirectory(input.pods, input.takesMutualTls)
  const slices = Map.groupBy(input.endpointSlices, serviceKeyOf)
  const services = input.services
    .filter((service) => service.spec.type !== 'ExternalName')
    .map((service) => {
      const own = slices.get(`${namespaceOf(service)}/${service.metadata.name}`) ?? []
      return register(service, own, pods)
    })
  return new Map(services.sort(byHost).map((service) => [service.identity.host, service]))
}

const byHost = (left: RegisteredService, right: RegisteredService): number =>
  left.identity.host < right.identity.host ? -1 : 1

const serviceKeyOf = (slice: EndpointSlice): string =>
  `${namespaceOf(slice)}/${slice.metadata.labels?.[serviceNameLabel] ?? ''}`

function registerService(service: Service, slices: readonly EndpointSlice[], pods: PodDirectory): RegisteredService {
  const ports = (service.spec.ports ?? [])
    .filter((port) => (port.protocol ?? 'TCP') === 'TCP')
    .map((spec) => ({
      number: spec.port,
      protocol: protocolOf(spec, spec.port),
      spec,
      endpoints: endpointsOf(spec, slices, pods),
    }))
  const healthCheck = healthCheckOf(service)
  return {
    ...(healthCheck === undefined ? {} : { healthCheck }),
    ...(service.spec.clusterIP === 'None' ? { isHeadless: true } : {}),
    identity: serviceIdentity(namespaceOf(service), service.metadata.name),
    createdAt: service.metadata.creationTimestamp ?? '',
    selector: service.spec.selector ?? {},
    addresses: [...new Set([service.spec.clusterIP ?? '', ...(service.spec.clusterIPs ?? [])])].filter(isAddress),
    isExternal: false,
    exportTo: (service.metadata.annotations?.[exportToAnnotation] ?? '')
      .split(',')
      .flatMap((name) => name.trim() || []),
    identities: identitiesOf(service, ports, pods),
    ports,
  }
}

/** A Service without one says so in its place. */
const isAddress = (text: string): boolean => text !== '' && text !== 'None'

/** Of the pods that the Service selects, and of those that somebody else made endpoints. */
function identitiesOf(service: Service, ports: readonly RegisteredPort[], pods: PodDirectory): readonly string[] {
  const endpoints = ports.flatMap((port) => port.endpoints).filter(({ takesMutualTls }) => takesMutualTls)
  return [...new Set([...selectedBy(service, pods), ...endpoints.map(({ workload }) => spiffeId(workload))])].sort()
}

const selectedBy = (service: Service, pods: PodDirectory): readonly string[] =>
  pods.identitiesOf(namespaceOf(service), service.spec.selector ?? {})

const tcpNames = new Set(['tcp', 'tls', 'https', 'mongo', 'mysql', 'redis', 'postgresql'])
const http2Names = new Set(['http2', 'grpc', 'grpc-web', 'kubernetes.io/h2c'])

/** Istio's: servers there speak first (SMTP, DNS, MySQL, MongoDB). */
const tcpPorts: ReadonlySet<number> = new Set([25, 53, 3306, 27017])
const httpNames = new Set(['http', 'http_proxy', 'kubernetes.io/ws'])

/** By appProtocol, else by the port's name up to the first dash, else by its number. What none tells of is HTTP/1.1. */
export function protocolOf(port: NamedPort, number: number): Protocol {
  const word = protocolWord(port)
  if (http2Names.has(word)) return 'http2'
  return tcpNames.has(word) || (tcpPorts.has(number) && !httpNames.has(word)) ? 'tcp' : 'http'
}

/** Whether its name, its appProtocol or its number tells what the port speaks. */
export function saysProtocol(port: NamedPort, number: number): boolean {
  const word = protocolWord(port)
  return http2Names.has(word) || tcpNames.has(word) || httpNames.has(word) || tcpPorts.has(number)
}

type NamedPort = Pick<ServicePort, 'name' | 'appProtocol'>

const protocolWord = ({ name, appProtocol }: NamedPort): string =>
  (appProtocol ?? name?.split('-')[0] ?? '').toLowerCase()

function endpointsOf(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  pods: PodDirectory,
): readonly RegisteredEndpoint[] {
  const found = new Map<string, RegisteredEndpoint>()
  for (const slice of slices) {
    const target = slice.ports?.find((candidate) => (candidate.name ?? '') === (port.name ?? ''))?.port
    if (target === undefined) continue
    for (const endpoint of readyEndpoints(slice, target, pods)) {
      found.set(`${endpoint.address}:${endpoint.port}`, endpoint)
    }
  }
  return [...found].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, endpoint]) => endpoint)
}

const readyEndpoints = (slice: EndpointSlice, port: number, pods: PodDirectory): readonly RegisteredEndpoint[] =>
  (slice.endpoints ?? []).filter(isReadyEndpoint).flatMap((endpoint) => {
    const [{ addresses }, pod] = [endpoint, podOf(slice, endpoint, pods)]
    return addresses.map((address) => registerEndpoint(address, port, pod, pods))
  })

function registerEndpoint(
  address: string,
  port: number,
  pod: Pod | undefined,
  { takesMutualTls }: PodDirectory,
): RegisteredEndpoint {
  const locality = localityOf(pod)
  return {
    address,
    port: reachablePort(address, port),
    workload: pod === undefined ? unknownWorkload : workloadOf(pod),
    ...(locality === undefined ? {} : { locality }),
    takesMutualTls: pod !== undefined && takesMutualTls(pod, port),
    labels: pod?.metadata.labels ?? {},
  }
}
