import { describe, expect, test } from 'vitest'
import { injectedAnnotation, type Pod, type Service } from '../../../src/api/index.ts'
import { type ClusterObjects, translate } from '../../../src/mesh/istio/index.ts'
import type { MeshProxy } from '../../../src/mesh/model/index.ts'
import { clusterOf, meshPodOf, serviceEntryOf, serviceOf, sidecarOf, sliceOf } from '../../support/mesh-objects.ts'

const injected = (name: string, ip: string, annotations: Readonly<Record<string, string>> = {}): Pod => {
  const pod = meshPodOf(name, { ip, workload: name })
  return { ...pod, metadata: { ...pod.metadata, annotations: { [injectedAnnotation]: '{}', ...annotations } } }
}

const at = (clusterIP: string, service: Service): Service => ({ ...service, spec: { ...service.spec, clusterIP } })

const [client, web] = [injected('client', '10.1.0.1'), injected('web', '10.1.0.2')]
const shop: Partial<ClusterObjects> = {
  pods: [client, web],
  services: [
    at('10.96.0.1', serviceOf('web')),
    at('10.96.0.2', serviceOf('db', { ports: [{ name: 'tcp-db', port: 5432 }] })),
    at('None', serviceOf('peers', { ports: [{ name: 'tcp', port: 7000 }] })),
  ],
  endpointSlices: [sliceOf('web', [web])],
}

function proxyOf(pod: string, more: Partial<ClusterObjects> = {}): MeshProxy {
  const proxy = translate(clusterOf({ ...shop, ...more })).proxies.find(({ id }) => id.includes(`~${pod}.`))
  if (proxy === undefined) throw new Error(`no proxy for ${pod}`)
  return proxy
}

describe('a pod whose connections are intercepted', () => {
  test('listens for every HTTP port at once, and for TCP where its Services have addresses', () => {
    const { outbound, routeTables, interception } = proxyOf('client')
    const service = { namespace: 'shop', name: 'db', host: 'db.shop.svc.cluster.local' }
    expect(outbound).toEqual([
      { kind: 'http', bind: { address: '0.0.0.0', port: 80 }, routeTable: '80' },
      {
        kind: 'tcp',
        bind: { address: '10.96.0.2', port: 5432 },
        route: { clusters: [{ cluster: 'outbound|5432||db.shop.svc.cluster.local', weight: 1 }] },
        service,
      },
    ])
    expect(interception).toEqual({ unknownHosts: 'passthrough', otherPorts: 'permissive' })
    expect(routeTables.map(({ name, virtualHosts }) => [name, virtualHosts.map(({ domains }) => domains)])).toEqual([
      [
        '80',
        [
          ['web', 'web.shop', 'web.shop.svc', 'web.shop.svc.cluster.local', '10.96.0.1'].flatMap((host) => [
            host,
            `${host}:80`,
          ]),
          ['*'],
        ],
      ],
    ])
  })

  test('takes what comes in at its own address and hands it on there', () => {
    expect(proxyOf('web').inbound).toMatchObject([
      { bind: { address: '10.1.0.2', port: 8080 }, application: { address: '10.1.0.2', port: 8080 } },
    ])
  })

  test('a host outside of the cluster has its TCP port, unless somebody speaks HTTP there', () => {
    const entry = serviceEntryOf('mail', {
      hosts: ['mail.example'],
      ports: [
        { number: 25, name: 'smtp', protocol: 'TCP' },
        { number: 80, name: 'web', protocol: 'TCP' },
      ],
      resolution: 'DNS',
    })
    const { outbound } = proxyOf('client', { serviceEntries: [entry] })
    expect(outbound.filter(({ bind }) => bind.port === 25 || bind.port === 80)).toMatchObject([
      { kind: 'http', bind: { port: 80 } },
      {
        kind: 'tcp',
        bind: { address: '0.0.0.0', port: 25 },
        route: { clusters: [{ cluster: 'outbound|25||mail.example' }] },
      },
    ])
  })

  test('its Sidecar says what it reaches', () => {
    const scope = sidecarOf('default', {
      egress: [{ hosts: ['./db.shop.svc.cluster.local'] }],
      outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    })
    const { outbound, interception, routeTables } = proxyOf('client', { sidecars: [scope] })
    expect(outbound.map(({ bind }) => bind.port)).toEqual([5432])
    expect([interception?.unknownHosts, routeTables]).toEqual(['refuse', []])
  })

  test.each([
    [{}, true],
    [{ 'traffic.sidecar.istio.io/excludeInboundPorts': '9090, 8080' }, false],
    [{ 'traffic.sidecar.istio.io/excludeInboundPorts': '9090' }, true],
    [{ 'traffic.sidecar.istio.io/includeInboundPorts': '' }, false],
  ])('%j: others speak the mesh’s TLS to its port: %s', (annotations, takesMutualTls) => {
    const pod = injected('web', '10.1.0.2', annotations)
    const { clusters } = translate(clusterOf({ ...shop, pods: [client, pod] }))
    const endpoints = clusters.find(({ name }) => name === 'outbound|80||web.shop.svc.cluster.local')?.endpoints
    expect(endpoints?.map((endpoint) => endpoint.takesMutualTls)).toEqual([takesMutualTls])
  })
})
