import { describe, expect, test } from 'vitest'
import { injectedAnnotation, type Pod, type Service } from '../../../src/api/index.ts'
import { renderMesh, resourceToJson } from '../../../src/mesh/envoy/index.ts'
import { type ClusterObjects, translate } from '../../../src/mesh/istio/index.ts'
import type { MeshProxy } from '../../../src/mesh/model/index.ts'
import {
  clusterOf,
  meshPodOf,
  serviceEntryOf,
  serviceOf,
  sidecarOf,
  sliceOf,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'

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

  describe('a Service without an address leads to its pods themselves', () => {
    const [one, two] = [injected('peer-0', '10.1.0.8'), injected('peer-1', '10.1.0.9')]
    const plain = { ...two, metadata: { ...two.metadata, labels: { app: 'peer' } } }
    const slice = (pods: readonly Pod[]) => ({ ...sliceOf('peers', pods), ports: [{ name: 'tcp', port: 7000 }] })
    const serving = (...pods: readonly Pod[]) => ({ pods: [client, ...pods], endpointSlices: [slice(pods)] })
    const direct = 'direct|7000||peers.shop.svc.cluster.local'

    test('by a listener for each, under the mesh’s TLS where all of them take it', () => {
      const { outbound } = proxyOf('client', serving(one, two))
      const leads = outbound.flatMap((each) => (each.kind === 'tcp' ? [[each.bind, each.route.clusters]] : []))
      const at = (address: string) => [{ address, port: 7000 }, [{ cluster: direct, weight: 1 }]]
      expect(leads.slice(1)).toEqual([at('10.1.0.8'), at('10.1.0.9')])
      const rendered = (...pods: readonly Pod[]) => {
        const mesh = translate(clusterOf({ ...shop, ...serving(...pods) }))
        const [resources = []] = renderMesh(mesh).values()
        const cluster = resources.find(({ type, name }) => type === 'cluster' && name === direct)
        return cluster && JSON.stringify(resourceToJson(cluster))
      }
      expect(rendered(one, two)).toMatch(/ORIGINAL_DST.*UpstreamTlsContext/)
      expect(rendered(one, plain)).toMatch(/ORIGINAL_DST/)
      expect(rendered(one, plain)).not.toMatch(/UpstreamTlsContext/)
    })

    test('unless a route says where', () => {
      const route = [{ destination: { host: 'db' } }]
      const virtualServices = [virtualServiceOf('peers', { tcp: [{ route }] })]
      const { outbound } = proxyOf('client', { ...serving(one), virtualServices })
      expect(outbound.at(-1)).toMatchObject({
        bind: { address: '10.1.0.8', port: 7000 },
        route: { clusters: [{ cluster: 'outbound|5432||db.shop.svc.cluster.local', weight: 1 }] },
      })
    })
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

  test('a host outside of the cluster has its port at its addresses alone, where they are intercepted', () => {
    const listening = (...addresses: readonly string[]) => {
      const ports = [{ number: 5432, name: 'db', protocol: 'TCP' }]
      const entry = serviceEntryOf('far', { hosts: ['far.example'], ports, resolution: 'DNS', addresses })
      const { outbound } = proxyOf('client', { services: [], serviceEntries: [entry] })
      return outbound.map(({ bind }) => `${bind.address}:${bind.port}`)
    }
    expect(listening('10.0.0.7', 'fd00::7')).toEqual(['10.0.0.7:5432'])
    expect(listening('fd00::7')).toEqual([])
  })

  test('hosts of TLS without addresses share a port, each under its name', () => {
    const tls = (name: string, hosts: readonly string[], rest: object = {}) =>
      serviceEntryOf(name, {
        ...{ hosts, ports: [{ number: 443, name: 'tls', protocol: 'TLS' }], resolution: 'DNS' },
        ...rest,
      })
    const { outbound } = proxyOf('client', {
      services: [],
      serviceEntries: [
        tls('a', ['A.example', 'b.example']),
        tls('c', ['*.c.example', 'a.example'], { resolution: 'NONE' }),
        tls('d', ['d.example'], { addresses: ['10.0.0.7'] }),
      ],
    })
    const to = (serverName: string, host = serverName) => {
      return { serverName, route: { clusters: [{ cluster: `outbound|443||${host}`, weight: 1 }] } }
    }
    const origin = (name: string) => ({ kind: 'ServiceEntry', namespace: 'shop', name })
    expect(outbound).toMatchObject([
      {
        ...{ kind: 'tls', bind: { address: '0.0.0.0', port: 443 } },
        hosts: [to('a.example', 'A.example'), to('b.example'), to('*.c.example')],
        origins: [origin('a'), origin('c')],
      },
      { kind: 'tcp', bind: { address: '10.0.0.7', port: 443 } },
    ])
  })

  test('hosts that share an address or a name are told apart by what is left to them, in any letters', () => {
    const http = [{ number: 80, name: 'http', protocol: 'HTTP' }]
    const entry = (name: string, hosts: readonly string[]) =>
      serviceEntryOf(name, { hosts, ports: http, resolution: 'DNS', addresses: ['10.0.0.7', '10.0.0.7'] })
    const { routeTables } = proxyOf('client', {
      services: [],
      serviceEntries: [entry('a', ['a.example', 'b.example']), entry('b', ['A.example'])],
    })
    expect(routeTables.flatMap(({ virtualHosts }) => virtualHosts.map(({ domains }) => domains))).toEqual([
      ['a.example', 'a.example:80', '10.0.0.7', '10.0.0.7:80'],
      ['b.example', 'b.example:80'],
      ['*'],
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
