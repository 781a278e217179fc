import type {
  DestinationRule,
  EndpointSlice,
  Gateway,
  KubernetesObject,
  Namespace,
  Pod,
  Service,
  ServiceEntry,
  Sidecar,
  Telemetry,
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
  readonly telemetries: readonly Telemetry[]
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
  'telemetries',
] as const satisfies readonly (keyof ClusterObjects)[]

const lists = [
  ...(['services', 'endpointSlices', 'pods', 'namespaces'] as const),
  ...configurationLists,
] as const satisfies readonly (keyof ClusterObjects)[]

/** A list with the same members as the last time is the very same. */
export function createListKeeper(): (objects: ClusterObjects) => ClusterObjects {
  const keepers = lists.map((list) => ({ list, keep: keepList<KubernetesObject>() }))
  return (objects) => ({
    ...objects,
    ...Object.fromEntries(keepers.map(({ list, keep }) => [list, keep(objects[list])])),
  })
}
