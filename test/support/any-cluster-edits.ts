import fc from 'fast-check'
import {
  type AuthorizationPolicy,
  injectedAnnotation,
  injectNamespaceLabel,
  injectTemplatesAnnotation,
  type KubernetesObject,
  type PeerAuthentication,
  type Pod,
} from '../../src/api/index.ts'
import type { ClusterObjects } from '../../src/mesh/istio/index.ts'
import {
  destinationRuleOf,
  gatewayOf,
  meshPodOf,
  namespaceOf,
  serviceEntryOf,
  serviceOf,
  shopOf,
  sidecarOf,
  sliceOf,
  splitBetween,
  telemetryOf,
  virtualServiceOf,
  workloadEntryOf,
} from './mesh-objects.ts'

const shop = shopOf()
const gatewayLabels = { istio: 'ingressgateway' }
const [client, primary, canary, gateway] = shop.pods

/** What one object may be, one after the other; it is missing as well. */
export interface Slot<T> {
  readonly list: keyof ClusterObjects
  readonly versions: readonly T[]
}

const slot = <T extends KubernetesObject>(list: keyof ClusterObjects, ...versions: readonly T[]): Slot<T> => ({
  list,
  // Written anew without a change, as by a status.
  versions: [...versions, ...versions.slice(0, 1).map((version) => ({ ...version }))],
})

const relabelled = (pod: Pod, labels: Readonly<Record<string, string>>): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } },
})

const annotated = (pod: Pod, annotations: Readonly<Record<string, string>>): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } },
})

const podSlots = (pods: readonly Pod[]) =>
  pods.map((pod) =>
    slot(
      'pods',
      pod,
      { ...relabelled(pod, { version: 'v2', app: 'web' }), spec: { ...pod.spec, serviceAccountName: 'renamed' } },
      { ...pod, spec: { ...pod.spec, serviceAccountName: 'other' } },
      annotated(pod, { [injectedAnnotation]: '{}' }),
      annotated(pod, { [injectTemplatesAnnotation]: 'grpc-agent' }),
      { ...pod, status: { phase: 'Succeeded' } },
    ),
  )

const split = (weight: number) => [{ route: splitBetween('web-primary', 'web-canary', weight) }]
const toSubset = [{ route: [{ destination: { host: 'web', subset: 'v1' } }] }]
const bySource = [
  { match: [{ sourceLabels: { app: 'client' } }], route: [{ destination: { host: 'web-canary' } }] },
  ...split(5),
]
const byName = { creationTimestamp: '2029-01-01T00:00:00Z' }
const otherNamespace = { namespace: 'other' }

const routeSlots = [
  slot(
    'virtualServices',
    virtualServiceOf('web', { http: split(10) }),
    virtualServiceOf('web', { http: split(20) }),
    virtualServiceOf('web', { http: bySource }),
    virtualServiceOf('web', { http: toSubset, exportTo: ['.'] }),
    virtualServiceOf('web', { http: split(30), gateways: ['mesh', 'public'] }, { metadata: byName }),
    virtualServiceOf('web', { http: [{ route: [] }] }),
  ),
  slot(
    'virtualServices',
    virtualServiceOf('all', { hosts: ['*.shop.svc.cluster.local', 'web-primary'], http: split(50) }),
    virtualServiceOf('all', { hosts: ['web'], http: split(60) }),
    virtualServiceOf('all', { hosts: ['*'], gateways: ['public'], http: split(70) }),
  ),
  slot(
    'virtualServices',
    virtualServiceOf('store', { tcp: [{ route: [{ destination: { host: 'web-canary' } }] }] }),
    virtualServiceOf('store', {
      tcp: [{ match: [{ sourceLabels: { app: 'client' } }], route: [{ destination: { host: 'store' } }] }],
    }),
  ),
]

const tcpPort = [{ name: 'tcp-store', port: 6379, targetPort: 6379 }]
const serviceSlots = [
  ...shop.services.map((service) =>
    slot(
      'services',
      service,
      serviceOf(service.metadata.name, { port: 81 }),
      serviceOf(service.metadata.name, { metadata: { annotations: { 'networking.istio.io/exportTo': 'other' } } }),
      { ...service, spec: { ...service.spec, clusterIP: '10.0.0.7' } },
    ),
  ),
  slot('services', serviceOf('store', { ports: tcpPort }), {
    ...serviceOf('store', { ports: tcpPort }),
    spec: { clusterIP: '10.0.0.9', ports: tcpPort },
  }),
]

const podsOfShop = [primary, canary].flatMap((pod) => pod ?? [])
const sliceSlots = shop.endpointSlices.map((slice) => {
  const name = slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''
  return slot('endpointSlices', slice, sliceOf(name, podsOfShop), sliceOf(name, []))
})

const ruleSlots = [
  slot(
    'destinationRules',
    destinationRuleOf('web', { host: 'web', subsets: [{ name: 'v1', labels: { version: 'v2' } }] }),
    destinationRuleOf('web', { host: 'web', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } }),
    destinationRuleOf('web', { host: 'web', exportTo: ['.'], subsets: [{ name: 'v1' }] }),
  ),
  slot('destinationRules', destinationRuleOf('all', { host: '*.shop.svc.cluster.local' }, byName)),
  slot(
    'destinationRules',
    destinationRuleOf('mine', {
      host: 'web',
      workloadSelector: { matchLabels: { app: 'client' } },
      trafficPolicy: { tls: { mode: 'SIMPLE', credentialName: 'roots', sni: 'web' } },
    }),
  ),
  slot('destinationRules', destinationRuleOf('other', { host: 'web.shop.svc.cluster.local' }, otherNamespace)),
]

const peerAuthentication = (mode: 'STRICT' | 'DISABLE'): PeerAuthentication => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: namespaceOf('default').metadata,
  spec: { mtls: { mode } },
})

const policy = (app: string): AuthorizationPolicy => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { ...namespaceOf('nobody').metadata, namespace: 'shop' },
  spec: { selector: { matchLabels: { app } } },
})

const secured = (host: string, tls: object = {}) => ({
  port: { number: 443, name: 'https', protocol: 'HTTPS' },
  hosts: [host],
  tls: { mode: 'SIMPLE' as const, credentialName: 'web-cert', ...tls },
})

const gatewaySlots = [
  slot('gateways', ...shop.gateways, gatewayOf('public', { selector: {}, servers: [] })),
  ...[
    ['shop/web.example', 'other/web.example', '*.example'],
    ['*', 'web.example'],
  ].map((hosts, index) =>
    slot(
      'gateways',
      ...hosts.map((host) => gatewayOf(`secure-${index}`, { selector: gatewayLabels, servers: [secured(host)] })),
      gatewayOf(`secure-${index}`, {
        selector: gatewayLabels,
        servers: [secured('web.example', { minProtocolVersion: 'TLSV1_3' }), secured('a.example')],
      }),
    ),
  ),
  slot(
    'virtualServices',
    virtualServiceOf('secured', { hosts: ['web.example'], gateways: ['secure-0', 'secure-1'], http: split(10) }),
    virtualServiceOf('secured', { hosts: ['web.example', 'a.example'], gateways: ['secure-1'], http: split(20) }),
  ),
]

const otherSlots = [
  slot('namespaces', namespaceOf(), namespaceOf(undefined, { [injectNamespaceLabel]: 'enabled' })),
  slot(
    'sidecars',
    sidecarOf('default', { egress: [{ hosts: ['./web.shop.svc.cluster.local'] }] }),
    sidecarOf('default', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }),
    sidecarOf('default', {
      egress: [{ bind: '127.0.0.9', port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*/*'] }],
    }),
    sidecarOf('default', { egress: [{ port: { number: 81, name: 'http', protocol: 'HTTP' }, hosts: ['*/*'] }] }),
  ),
  slot('peerAuthentications', peerAuthentication('STRICT'), peerAuthentication('DISABLE')),
  slot('authorizationPolicies', policy('web'), policy('client')),
  slot(
    'serviceEntries',
    serviceEntryOf('legacy', {
      hosts: ['legacy.example'],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      workloadSelector: { labels: { app: 'web' } },
    }),
    serviceEntryOf('legacy', {
      hosts: ['web.shop.svc.cluster.local', 'api.example'],
      ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
      resolution: 'DNS',
    }),
  ),
  slot(
    'telemetries',
    telemetryOf('default', { accessLogging: [{ disabled: true }] }),
    telemetryOf('default', {
      selector: { matchLabels: { app: 'client' } },
      metrics: [{ overrides: [{ disabled: true }] }],
    }),
  ),
  slot(
    'workloadEntries',
    workloadEntryOf('old-1', { address: '10.1.0.1', labels: { app: 'web' } }),
    workloadEntryOf('old-1', { address: '10.1.0.2', labels: { app: 'web' }, weight: 3 }),
  ),
]

const elsewhere = { ...meshPodOf('far-0', { workload: 'client', ip: '127.20.1.9', appAddress: '127.20.64.9' }) }
const far: Pod = { ...elsewhere, metadata: { ...elsewhere.metadata, ...otherNamespace } }

/** All that there is in a shop, object by object. */
export const slots: readonly Slot<KubernetesObject>[] = [
  ...podSlots([client, primary, canary, gateway].flatMap((pod) => pod ?? [])),
  slot('pods', far),
  ...routeSlots,
  ...serviceSlots,
  ...sliceSlots,
  ...ruleSlots,
  ...otherSlots,
  ...gatewaySlots,
]

type Chosen = readonly number[]

/** States of a cluster, each an edit or two from the one before; what is not edited is the very same object. */
export const anyClusterEdits: fc.Arbitrary<readonly ClusterObjects[]> = fc
  .array(fc.array(fc.tuple(fc.nat(slots.length - 1), fc.nat(6)), { minLength: 1, maxLength: 3 }), {
    minLength: 2,
    maxLength: 8,
  })
  .map((edits) => {
    let chosen: Chosen = slots.map(() => 0)
    return [chosen, ...edits.map((edit) => (chosen = edited(chosen, edit)))].map(toObjects)
  })

const edited = (chosen: Chosen, edit: readonly (readonly [number, number])[]): Chosen =>
  edit.reduce((state, [index, version]) => state.with(index, version), chosen)

const toObjects = (chosen: Chosen): ClusterObjects => {
  const present = slots.flatMap(({ list, versions }, index) => {
    const object = versions[chosen[index] ?? 0]
    return object === undefined ? [] : [{ list, object }]
  })
  const lists = Map.groupBy(present, ({ list }) => list)
  const empty = Object.fromEntries(slots.map(({ list }) => [list, []]))
  const filled = Object.fromEntries([...lists].map(([list, group]) => [list, group.map(({ object }) => object)]))
  // Secrets come and go, as an edit here and there.
  const credentialOf = chosen.reduce((sum, each) => sum + each, 0) % 4 === 3 ? unreadCredential : readCredential
  return { ...shop, ...empty, ...filled, credentialOf }
}

const readCredential = () => ({ isUsable: true })
const unreadCredential = () => ({ isUsable: false })
