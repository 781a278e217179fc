import { describe, expect, test } from 'vitest'
import type { Sidecar } from '../../../src/api/index.ts'
import { type ClusterObjects, translate } from '../../../src/mesh/istio/index.ts'
import type { Mesh, MeshProxy } from '../../../src/mesh/model/index.ts'
import {
  clusterOf,
  destinationRuleOf,
  meshPodOf,
  namespaceOf,
  serviceOf,
  sidecarOf,
  sliceOf,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'

const host = (name: string, namespace = 'shop') => `${name}.${namespace}.svc.cluster.local`

/** A client in `shop` and one in `other`, and Services in both and in the root namespace. */
const world: ClusterObjects = clusterOf({
  namespaces: [namespaceOf(), namespaceOf('other'), namespaceOf('istio-system')],
  services: [
    serviceOf('web'),
    serviceOf('db'),
    serviceOf('far', { metadata: { namespace: 'other' } }),
    serviceOf('meter', { metadata: { namespace: 'istio-system' } }),
  ],
  pods: [clientIn('shop', 1), clientIn('other', 2)],
})

function clientIn(namespace: string, index: number) {
  const pod = meshPodOf(`client-${namespace}`, {
    workload: 'client',
    ip: `127.20.1.${index}`,
    appAddress: `127.20.64.${index}`,
    serviceAddresses: {
      'shop/web': '127.20.160.1',
      'shop/db': '127.20.160.2',
      'other/far': '127.20.160.3',
      'istio-system/meter': '127.20.160.4',
    },
  })
  return { ...pod, metadata: { ...pod.metadata, namespace } }
}

const clientOf = (mesh: Mesh, namespace = 'shop'): MeshProxy => {
  const proxy = mesh.proxies.find(({ workload }) => workload.namespace === namespace)
  if (proxy === undefined) throw new Error(`there is no client in ${namespace}`)
  return proxy
}
const hostsOf = (mesh: Mesh, namespace = 'shop') => [
  ...new Set((clientOf(mesh, namespace).clusters ?? mesh.clusters).map(({ service }) => service.host)),
]
const listenersOf = (mesh: Mesh, namespace = 'shop') =>
  clientOf(mesh, namespace).outbound.flatMap((listener) => ('service' in listener ? listener.service.host : []))
const unknownHost = (mesh: Mesh, namespace = 'shop') =>
  clientOf(mesh, namespace)
    .routeTables.find(({ name }) => name === 'http_proxy')
    ?.virtualHosts.at(-1)?.name

const withSidecars = (...sidecars: readonly Sidecar[]): Mesh => translate({ ...world, sidecars })

describe('a Sidecar', () => {
  const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['a host of its namespace', ['./web.shop.svc.cluster.local'], [host('web')]],
    ['a whole namespace', ['istio-system/*'], [host('meter', 'istio-system')]],
    [
      'a suffix in any namespace',
      ['*/*.svc.cluster.local'],
      ['db', 'far', 'meter', 'web'].map((name) => host(name, { far: 'other', meter: 'istio-system' }[name] ?? 'shop')),
    ],
    ['several', ['./*', 'other/far.other.svc.cluster.local'], [host('db'), host('far', 'other'), host('web')]],
    ['a host in a namespace that is not its own', ['other/web.shop.svc.cluster.local'], []],
    ['nothing', ['~/*'], []],
  ]
  test.each(rows)('leaves %s', (_, hosts, expected) => {
    const mesh = withSidecars(sidecarOf('default', { egress: [{ hosts }] }))
    expect(hostsOf(mesh).toSorted()).toEqual(expected)
    expect(listenersOf(mesh).toSorted()).toEqual(expected)
    expect(hostsOf(mesh, 'other').length).toBe(4)
  })

  test('of the workload comes before that of the namespace, and that before the one of the mesh', () => {
    const to = (name: string) => ({ egress: [{ hosts: [`*/${name}`] }] })
    const ofMesh = sidecarOf('default', to(host('db')), { namespace: 'istio-system' })
    const ofNamespace = sidecarOf('default', to(host('web')))
    const ofLabels = sidecarOf('client', {
      workloadSelector: { labels: { app: 'client' } },
      ...to(host('far', 'other')),
    })
    const ofOthers = sidecarOf('others', { workloadSelector: { labels: { app: 'server' } }, ...to('*') })
    expect(hostsOf(withSidecars(ofMesh, ofNamespace, ofLabels, ofOthers))).toEqual([host('far', 'other')])
    expect(hostsOf(withSidecars(ofMesh, ofNamespace, ofOthers))).toEqual([host('web')])
    expect(hostsOf(withSidecars(ofMesh, ofNamespace), 'other')).toEqual([host('db')])
  })

  test('without egress takes that of the next', () => {
    const quiet = sidecarOf('client', {
      workloadSelector: { labels: { app: 'client' } },
      outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    })
    const mesh = withSidecars(quiet, sidecarOf('default', { egress: [{ hosts: ['./web.shop.svc.cluster.local'] }] }))
    expect(hostsOf(mesh)).toEqual([host('web')])
    expect(unknownHost(mesh)).toBe('block_all')
  })

  test('says what happens to hosts that nobody knows', () => {
    const policy = (mode?: string) =>
      unknownHost(withSidecars(sidecarOf('default', mode === undefined ? {} : { outboundTrafficPolicy: { mode } })))
    expect([policy(), policy('ALLOW_ANY'), policy('REGISTRY_ONLY')]).toEqual(['allow_any', 'allow_any', 'block_all'])
    expect(unknownHost(translate(world))).toBe('allow_any')
  })

  test('keeps the destinations of the routes that it leaves, without listeners of their own', () => {
    const virtualServices = [virtualServiceOf('web', { http: [{ route: [{ destination: { host: 'db' } }] }] })]
    const sidecars = [sidecarOf('default', { egress: [{ hosts: ['./web.shop.svc.cluster.local'] }] })]
    const mesh = translate({ ...world, virtualServices, sidecars })
    expect(hostsOf(mesh).toSorted()).toEqual([host('db'), host('web')])
    expect(listenersOf(mesh)).toEqual([host('web')])
  })

  test('is shared by the proxies that it counts for', () => {
    const second = clientIn('shop', 3)
    const pods = [...world.pods, { ...second, metadata: { ...second.metadata, name: 'client-second' } }]
    const sidecars = [sidecarOf('default', { egress: [{ hosts: ['./*'] }] })]
    const [first, , other] = translate({ ...world, pods, sidecars }).proxies
    expect(other?.clusters).toBe(first?.clusters)
    expect(other?.routeTables[0]).toBe(first?.routeTables[0])
  })

  const refused: readonly (readonly [string, object, string])[] = [
    [
      'a short name',
      { egress: [{ hosts: ['./web'] }] },
      'spec.egress[0].hosts[0]: must be namespace/host with the full name of the host, such as "./web.shop.svc.cluster.local" or "istio-system/*"',
    ],
    [
      'a host without a namespace',
      { egress: [{ hosts: ['web.shop.svc.cluster.local'] }] },
      'spec.egress[0].hosts[0]: must be namespace/host with the full name of the host, such as "./web.shop.svc.cluster.local" or "istio-system/*"',
    ],
  ]
  test.each(refused)('with %s is refused', (_, spec, message) => {
    const mesh = translate({ ...world, sidecars: [sidecarOf('default', spec)] })
    expect(mesh.findings).toEqual([
      { object: { kind: 'Sidecar', namespace: 'shop', name: 'default' }, reason: 'Invalid', message },
    ])
  })
})

describe('exportTo', () => {
  const private_ = (target: string) => ({ 'networking.istio.io/exportTo': target })

  test('of a Service hides it from other namespaces', () => {
    const far = (target: string) =>
      serviceOf('far', { metadata: { namespace: 'other', annotations: private_(target) } })
    const seen = (target: string) => {
      const services = [...world.services.filter(({ metadata }) => metadata.name !== 'far'), far(target)]
      const mesh = translate({ ...world, services })
      return ['shop', 'other'].map((namespace) => hostsOf(mesh, namespace).includes(host('far', 'other')))
    }
    expect(seen('.')).toEqual([false, true])
    expect(seen('*')).toEqual([true, true])
    expect(seen('shop')).toEqual([true, false])
    expect(seen('~')).toEqual([false, false])
  })

  test('of a VirtualService makes it count for some clients', () => {
    const virtualServices = [
      virtualServiceOf('web', { exportTo: ['.'], http: [{ route: [{ destination: { host: 'db' } }] }] }),
    ]
    const mesh = translate({ ...world, virtualServices })
    const leadsTo = (namespace: string) =>
      clientOf(mesh, namespace).routeTables.find(({ name }) => name === `${host('web')}:80`)?.virtualHosts[0]?.routes[0]
        ?.clusters[0]?.cluster
    expect([leadsTo('shop'), leadsTo('other')]).toEqual([`outbound|80||${host('db')}`, `outbound|80||${host('web')}`])
  })

  test('of two VirtualServices of one host is no conflict when no client sees both', () => {
    const routes = (namespace: string, exportTo: readonly string[]) =>
      virtualServiceOf(
        'web',
        { hosts: [host('web')], exportTo, http: [{ route: [{ destination: { host: host('web') } }] }] },
        { metadata: { namespace, uid: namespace } },
      )
    const conflicts = (first: readonly string[], second: readonly string[]) =>
      translate({ ...world, virtualServices: [routes('shop', first), routes('other', second)] }).findings.length
    expect([conflicts(['.'], ['.']), conflicts(['.'], []), conflicts(['other'], ['.'])]).toEqual([0, 1, 1])
  })
})

describe('which DestinationRule counts', () => {
  const pods = ['v1', 'v2'].map((version, index) =>
    meshPodOf(`web-${version}`, { workload: 'web', ip: `127.20.1.${index + 5}`, labels: { version } }),
  )
  const rule = (namespace: string, simple: string, exportTo: readonly string[] = []) =>
    destinationRuleOf(
      'web',
      { host: host('web'), trafficPolicy: { loadBalancer: { simple } }, exportTo },
      { namespace, uid: namespace },
    )
  const policyOf = (namespace: string, ...destinationRules: readonly ReturnType<typeof rule>[]) => {
    const mesh = translate({
      ...world,
      pods: [...world.pods, ...pods],
      endpointSlices: [sliceOf('web', pods)],
      destinationRules,
    })
    const clusters = clientOf(mesh, namespace).clusters ?? mesh.clusters
    return clusters.find(({ service }) => service.host === host('web'))?.loadBalancing
  }

  test('the client’s own, then the Service’s, then the mesh’s', () => {
    const own = rule('other', 'RANDOM')
    const ofService = rule('shop', 'ROUND_ROBIN')
    const ofMesh = destinationRuleOf(
      'all',
      { host: '*.svc.cluster.local', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
      { namespace: 'istio-system', uid: 'mesh' },
    )
    expect(policyOf('other', own, ofService, ofMesh)).toBe('random')
    expect(policyOf('shop', own, ofService, ofMesh)).toBe('round-robin')
    expect(policyOf('shop', own, ofMesh)).toBe('random')
    expect(policyOf('shop', own)).toBe('least-request')
  })

  test('one that is not exported counts in its own namespace only', () => {
    expect(policyOf('shop', rule('shop', 'RANDOM', ['.']))).toBe('random')
    expect(policyOf('other', rule('shop', 'RANDOM', ['.']))).toBe('least-request')
  })
})
