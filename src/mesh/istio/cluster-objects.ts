import type {
  AuthorizationPolicy,
  DestinationRule,
  EndpointSlice,
  Gateway,
  Namespace,
  PeerAuthentication,
  Pod,
  RequestAuthentication,
  Service,
  ServiceEntry,
  Sidecar,
  VirtualService,
  WorkloadEntry,
} from '../../api/index.ts'
import { keepList } from '../../base/index.ts'
import type { CredentialOf } from './gateway-listeners.ts'
import type { SecurityObjects } from './security.ts'

/** The cluster as the mesh sees it. */
export interface ClusterObjects extends SecurityObjects {
  readonly services: readonly Service[]
  readonly endpointSlices: readonly EndpointSlice[]
  readonly pods: readonly Pod[]
  readonly namespaces: readonly Namespace[]
  readonly virtualServices: readonly VirtualService[]
  readonly destinationRules: readonly DestinationRule[]
  readonly gateways: readonly Gateway[]
  readonly sidecars: readonly Sidecar[]
  readonly serviceEntries: readonly ServiceEntry[]
  readonly workloadEntries: readonly WorkloadEntry[]
  /** What was read of the Secrets that proxies need. */
  readonly credentialOf: CredentialOf
}

/** The lists of objects that users write for the mesh, as against those that it merely finds. */
export const configurationLists = [
  'virtualServices',
  'destinationRules',
  'gateways',
  'sidecars',
  'serviceEntries',
  'workloadEntries',
  'peerAuthentications',
  'authorizationPolicies',
  'requestAuthentications',
] as const satisfies readonly (keyof ClusterObjects)[]

/** A list with the same members as the last time is the very same. */
export function createListKeeper(): (objects: ClusterObjects) => ClusterObjects {
  const keep = {
    services: keepList<Service>(),
    endpointSlices: keepList<EndpointSlice>(),
    pods: keepList<Pod>(),
    namespaces: keepList<Namespace>(),
    virtualServices: keepList<VirtualService>(),
    destinationRules: keepList<DestinationRule>(),
    gateways: keepList<Gateway>(),
    sidecars: keepList<Sidecar>(),
    serviceEntries: keepList<ServiceEntry>(),
    workloadEntries: keepList<WorkloadEntry>(),
    peerAuthentications: keepList<PeerAuthentication>(),
    authorizationPolicies: keepList<AuthorizationPolicy>(),
    requestAuthentications: keepList<RequestAuthentication>(),
  }
  return (objects) => ({
    ...objects,
    services: keep.services(objects.services),
    endpointSlices: keep.endpointSlices(objects.endpointSlices),
    pods: keep.pods(objects.pods),
    namespaces: keep.namespaces(objects.namespaces),
    virtualServices: keep.virtualServices(objects.virtualServices),
    destinationRules: keep.destinationRules(objects.destinationRules),
    gateways: keep.gateways(objects.gateways),
    sidecars: keep.sidecars(objects.sidecars),
    serviceEntries: keep.serviceEntries(objects.serviceEntries),
    workloadEntries: keep.workloadEntries(objects.workloadEntries),
    peerAuthentications: keep.peerAuthentications(objects.peerAuthentications),
    authorizationPolicies: keep.authorizationPolicies(objects.authorizationPolicies),
    requestAuthentications: keep.requestAuthentications(objects.requestAuthentications),
  })
}
