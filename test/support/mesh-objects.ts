import {
  appAddressAnnotation,
  type DestinationRule,
  type EndpointSlice,
  type Gateway,
  injectLabel,
  injectTemplatesAnnotation,
  type Namespace,
  type ObjectMeta,
  type Pod,
  type Service,
  type ServiceEntry,
  type Sidecar,
  serviceAddressesAnnotation,
  type Telemetry,
  type VirtualService,
  type WorkloadEntry,
} from '../../src/api/index.ts'
import type { ClusterObjects } from '../../src/mesh/istio/index.ts'

export const namespaceName = 'shop'

const metadata = (name: string, rest: Partial<ObjectMeta> = {}): ObjectMeta => ({
  name,
  namespace: namespaceName,
  uid: `uid-${name}`,
  generation: 1,
  creationTimestamp: '2030-01-01T00:00:00Z',
  ...rest,
})

export const namespaceOf = (name = namespaceName, labels: Readonly<Record<string, string>> = {}): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { ...metadata(name), labels },
})

export const serviceOf = (
  name: string,
  options: {
    readonly port?: number
    readonly ports?: Service['spec']['ports']
    readonly selector?: Readonly<Record<string, string>>
    readonly metadata?: Partial<ObjectMeta>
  } = {},
): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadata(name, options.metadata),
  spec: {
    selector: options.selector ?? { app: name },
    ports: options.ports ?? [{ name: 'http', port: options.port ?? 80, targetPort: 8080 }],
  },
})

export const sliceOf = (service: string, pods: readonly Pod[], port = 8080): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: metadata(`${service}-1`, { labels: { 'kubernetes.io/service-name': service } }),
  addressType: 'IPv4',
  endpoints: pods.map((pod) => ({
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready: true },
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace ?? namespaceName, name: pod.metadata.name },
  })),
  ports: [{ name: 'http', port }],
})

export interface PodOptions {
  readonly ip: string
  readonly workload?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly appAddress?: string
  readonly serviceAddresses?: Readonly<Record<string, string>>
  readonly isGateway?: boolean
  readonly isMeshed?: boolean
  readonly port?: number
}

/** A running pod of a Deployment, as the node agent leaves it. */
export function meshPodOf(name: string, options: PodOptions): Pod {
  const { workload = name, isMeshed = true, isGateway = false } = options
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(name, {
      labels: {
        app: workload,
        'pod-template-hash': 'abc12',
        ...(isMeshed ? { [injectLabel]: 'true' } : {}),
        ...options.labels,
      },
      annotations: {
        ...(options.appAddress === undefined ? {} : { [appAddressAnnotation]: options.appAddress }),
        ...(options.serviceAddresses === undefined
          ? {}
          : { [serviceAddressesAnnotation]: JSON.stringify(options.serviceAddresses) }),
        ...(isGateway ? { [injectTemplatesAnnotation]: 'gateway' } : {}),
      },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${workload}-abc12`, uid: 'uid-rs', controller: true },
      ],
    }),
    spec: {
      containers: isGateway
        ? [{ name: 'istio-proxy', image: 'auto' }]
        : [{ name: 'app', image: 'app:1', ports: [{ name: 'http', containerPort: options.port ?? 8080 }] }],
    },
    status: { phase: 'Running', podIP: options.ip },
  }
}

export const virtualServiceOf = (
  name: string,
  spec: Partial<VirtualService['spec']>,
  rest: { readonly metadata?: Partial<ObjectMeta>; readonly status?: NonNullable<VirtualService['status']> } = {},
): VirtualService => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: metadata(name, rest.metadata),
  spec: { hosts: [name], ...spec },
  ...(rest.status === undefined ? {} : { status: rest.status }),
})

export const destinationRuleOf = (
  name: string,
  spec: DestinationRule['spec'],
  rest: Partial<ObjectMeta> = {},
): DestinationRule => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: metadata(name, rest),
  spec,
})

export const gatewayOf = (name: string, spec: Gateway['spec'], rest: Partial<ObjectMeta> = {}): Gateway => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'Gateway',
  metadata: metadata(name, rest),
  spec,
})

export const clusterOf = (objects: Partial<ClusterObjects>): ClusterObjects => ({
  services: [],
  endpointSlices: [],
  pods: [],
  namespaces: [namespaceOf()],
  virtualServices: [],
  destinationRules: [],
  gateways: [],
  sidecars: [],
  peerAuthentications: [],
  authorizationPolicies: [],
  requestAuthentications: [],
  keysOf: () => ({ jwks: '', problem: 'no keys are fetched here' }),
  credentialOf: () => ({ isUsable: false, problem: 'no Secrets are read here' }),
  serviceEntries: [],
  workloadEntries: [],
  telemetries: [],
  ...objects,
})

/** Shares of a split between two Services. */
export const splitBetween = (primary: string, canary: string, canaryWeight: number) => [
  { destination: { host: primary }, weight: 100 - canaryWeight },
  { destination: { host: canary }, weight: canaryWeight },
]

/** A shop on one machine: a client and two versions of a web server, all meshed, and a gateway. */
export function shopOf(block = '127.20'): ClusterObjects {
  const services = ['web', 'web-primary', 'web-canary']
  const addresses = Object.fromEntries(
    services.map((name, index) => [`${namespaceName}/${name}`, `${block}.160.${index + 1}`]),
  )
  const client = meshPodOf('client-0', {
    workload: 'client',
    ip: `${block}.1.1`,
    appAddress: `${block}.64.1`,
    serviceAddresses: addresses,
  })
  const primary = meshPodOf('web-primary-0', {
    workload: 'web-primary',
    ip: `${block}.1.2`,
    appAddress: `${block}.64.2`,
  })
  const canary = meshPodOf('web-canary-0', { workload: 'web', ip: `${block}.1.3`, appAddress: `${block}.64.3` })
  const gateway = meshPodOf('gateway-0', {
    workload: 'istio-ingressgateway',
    ip: `${block}.1.4`,
    labels: { istio: 'ingressgateway' },
    isGateway: true,
  })
  return clusterOf({
    services: [
      serviceOf('web', { selector: { app: 'web-primary' }, metadata: { creationTimestamp: '2029-12-31T00:00:00Z' } }),
      serviceOf('web-primary'),
      serviceOf('web-canary', { selector: { app: 'web' } }),
    ],
    endpointSlices: [sliceOf('web', [primary]), sliceOf('web-primary', [primary]), sliceOf('web-canary', [canary])],
    pods: [client, primary, canary, gateway],
    gateways: [
      gatewayOf('public', {
        selector: { istio: 'ingressgateway' },
        servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      }),
    ],
  })
}

export const sidecarOf = (name: string, spec: Sidecar['spec'], rest: Partial<ObjectMeta> = {}): Sidecar => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'Sidecar',
  metadata: metadata(name, rest),
  spec,
})

export const serviceEntryOf = (
  name: string,
  spec: ServiceEntry['spec'],
  rest: Partial<ObjectMeta> = {},
): ServiceEntry => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: metadata(name, rest),
  spec,
})

export const workloadEntryOf = (
  name: string,
  spec: WorkloadEntry['spec'],
  rest: Partial<ObjectMeta> = {},
): WorkloadEntry => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'WorkloadEntry',
  metadata: metadata(name, rest),
  spec,
})

export const telemetryOf = (
  name: string,
  spec: NonNullable<Telemetry['spec']>,
  rest: Partial<ObjectMeta> = {},
): Telemetry => ({
  apiVersion: 'telemetry.istio.io/v1',
  kind: 'Telemetry',
  metadata: metadata(name, rest),
  spec,
})
