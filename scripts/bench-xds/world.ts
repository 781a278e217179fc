import {
  appAddressAnnotation,
  type EndpointSlice,
  injectLabel,
  type Namespace,
  type Pod,
  type Service,
  serviceAddressesAnnotation,
  type VirtualService,
} from '../../src/api/index.ts'

export interface World {
  readonly namespace: Namespace
  readonly services: readonly Service[]
  readonly endpointSlices: readonly EndpointSlice[]
  readonly pods: readonly Pod[]
}

const namespace = 'shop'
const metadata = (name: string) => ({
  name,
  namespace,
  generation: 1,
  uid: `uid-${name}`,
  creationTimestamp: '2030-01-01T00:00:00Z',
})
const serviceName = (index: number): string => `service-${index}`
const address = (block: number, index: number): string => `127.${block}.${Math.floor(index / 250)}.${(index % 250) + 1}`

/** Each proxy is a pod of one of the services, has ten services at addresses of its own and all of them by HTTP_PROXY. */
export function createWorld(size: { readonly services: number; readonly proxies: number }): World {
  const services = Array.from({ length: size.services }, (_, index) => index)
  const podsOf = Map.groupBy(
    Array.from({ length: size.proxies }, (_, index) => index),
    (index) => index % size.services,
  )
  return {
    namespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { ...metadata(namespace), namespace: '' } },
    services: services.map((index) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(serviceName(index)),
      spec: {
        selector: { app: serviceName(index) },
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
    })),
    endpointSlices: services.map((index) => sliceOf(index, podsOf.get(index) ?? [])),
    pods: [...podsOf.values()].flat().map((index) => podOf(index, size.services)),
  }
}

const podName = (index: number): string => `pod-${index}`

const sliceOf = (service: number, pods: readonly number[]): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    ...metadata(`${serviceName(service)}-1`),
    labels: { 'kubernetes.io/service-name': serviceName(service) },
  },
  addressType: 'IPv4',
  endpoints: [
    ...pods.map((index) => ({
      addresses: [address(20, index)],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', namespace, name: podName(index) },
    })),
    // Others that are not meshed.
    ...[0, 1].map((other) => ({ addresses: [address(30 + other, service)], conditions: { ready: true } })),
  ],
  ports: [{ name: 'http', port: 8080 }],
})

function podOf(index: number, services: number): Pod {
  const reached = Array.from(
    { length: Math.min(10, services - 10) },
    (_, offset) => 10 + ((index + offset) % (services - 10)),
  )
  const addresses = reached.map((service, offset) => [
    `${namespace}/${serviceName(service)}`,
    address(40 + offset, index),
  ])
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata(podName(index)),
      labels: { app: serviceName(index % services), [injectLabel]: 'true' },
      annotations: {
        [appAddressAnnotation]: address(60, index),
        [serviceAddressesAnnotation]: JSON.stringify(Object.fromEntries(addresses)),
      },
    },
    spec: { containers: [{ name: 'app', image: 'app:1', ports: [{ name: 'http', containerPort: 8080 }] }] },
    status: { phase: 'Running', podIP: address(20, index) },
  }
}

/** The name of the route of one round: who has it in a response has that round's weights. */
export const markerOf = (round: number): string => `round-${round}.`

/** The virtual host that the route of a round is in. */
export const changingHost = `${serviceName(0)}.${namespace}.svc.cluster.local:80`

/** A canary's route that every proxy reads. */
export const weightedRoute = (round: number): VirtualService => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: metadata(serviceName(0)),
  spec: {
    hosts: [serviceName(0)],
    http: [
      {
        name: markerOf(round),
        route: [
          { destination: { host: serviceName(1) }, weight: 100 - (round % 100) },
          { destination: { host: serviceName(2) }, weight: round % 100 },
        ],
      },
    ],
  },
})
