import type { KubernetesObject, ResourceKind } from './meta.ts'

export interface ServicePort {
  readonly name?: string
  readonly port: number
  readonly targetPort?: number | string
  readonly protocol?: string
  readonly appProtocol?: string
  readonly nodePort?: number
}

export interface Service extends KubernetesObject {
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>>
    readonly ports?: readonly ServicePort[]
    readonly clusterIP?: string
    readonly clusterIPs?: readonly string[]
    readonly ipFamilies?: readonly string[]
    readonly ipFamilyPolicy?: string
    readonly type?: string
    readonly externalName?: string
    readonly publishNotReadyAddresses?: boolean
    readonly sessionAffinity?: string
    readonly sessionAffinityConfig?: object
    readonly internalTrafficPolicy?: string
    readonly trafficDistribution?: string
  }
  readonly status?: object
}

export interface Endpoint {
  readonly addresses: readonly string[]
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean }
  readonly targetRef?: {
    readonly kind?: string
    readonly namespace?: string
    readonly name?: string
    readonly uid?: string
  }
  readonly nodeName?: string
  readonly zone?: string
}

/** Unknown counts as ready, as in Kubernetes. */
export const isReadyEndpoint = ({ conditions }: Endpoint): boolean => conditions?.ready !== false

interface EndpointPort {
  readonly name?: string
  readonly port?: number
  readonly protocol?: string
  readonly appProtocol?: string
}

/** On each EndpointSlice, the Service it is of. */
export const serviceNameLabel = 'kubernetes.io/service-name'

export interface EndpointSlice extends KubernetesObject {
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN'
  /** The API server writes null for an empty list, of ports too. */
  readonly endpoints?: readonly Endpoint[] | null
  readonly ports?: readonly EndpointPort[] | null
}

export interface ConfigMap extends KubernetesObject {
  readonly immutable?: boolean
  readonly data?: Readonly<Record<string, string>>
  readonly binaryData?: Readonly<Record<string, string>>
}

/** `data` values are base64. */
export interface Secret extends KubernetesObject {
  readonly immutable?: boolean
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
  readonly stringData?: Readonly<Record<string, string>>
}

export interface Namespace extends KubernetesObject {
  readonly spec?: { readonly finalizers?: readonly string[] }
  readonly status?: { readonly phase?: 'Active' | 'Terminating' }
}

export interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

/** An event of the core group (`kubectl get events` and `kubectl describe` read these). */
export interface CoreEvent extends KubernetesObject {
  readonly involvedObject: {
    readonly apiVersion?: string
    readonly kind?: string
    readonly namespace?: string
    readonly name?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly fieldPath?: string
  }
  readonly type?: 'Normal' | 'Warning'
  readonly reason?: string
  readonly message?: string
  readonly source?: { readonly component?: string; readonly host?: string }
  readonly firstTimestamp?: string
  readonly lastTimestamp?: string
  readonly count?: number
  readonly reportingComponent?: string
  readonly reportingInstance?: string
}

export interface CustomResourceDefinition extends KubernetesObject {
  readonly spec: {
    readonly group: string
    readonly scope: 'Namespaced' | 'Cluster'
    readonly names: {
      readonly plural: string
      readonly singular?: string
      readonly kind: string
      readonly listKind?: string
      readonly shortNames?: readonly string[]
      readonly categories?: readonly string[]
    }
    readonly versions: readonly CustomResourceVersion[]
  }
  readonly status?: object
}

export interface CustomResourceVersion {
  readonly name: string
  readonly served: boolean
  readonly storage: boolean
  readonly schema?: { readonly openAPIV3Schema?: JsonSchema }
  readonly subresources?: {
    readonly status?: object
    readonly scale?: {
      readonly specReplicasPath: string
      readonly statusReplicasPath: string
      readonly labelSelectorPath?: string
    }
  }
  readonly additionalPrinterColumns?: readonly {
    readonly name: string
    readonly type: string
    readonly jsonPath: string
    readonly description?: string
    readonly priority?: number
    readonly format?: string
  }[]
}

/** A structural OpenAPI v3 schema as CRDs carry it. */
export type JsonSchema = { readonly [key: string]: unknown }

const core = <T extends KubernetesObject>(kind: string, plural: string, namespaced = true): ResourceKind<T> => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced,
})

export const serviceKind = core<Service>('Service', 'services')
export const configMapKind = core<ConfigMap>('ConfigMap', 'configmaps')
export const secretKind = core<Secret>('Secret', 'secrets')
export const namespaceKind = core<Namespace>('Namespace', 'namespaces', false)
export const eventKind = core<CoreEvent>('Event', 'events')
export const endpointSliceKind: ResourceKind<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
}
export const leaseKind: ResourceKind<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
}
export const customResourceDefinitionKind: ResourceKind<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
}
