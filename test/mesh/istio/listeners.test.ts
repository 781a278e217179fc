import { describe, expect, test } from 'vitest'
import { injectedAnnotation, type Pod, type Sidecar } from '../../../src/api/index.ts'
import { type ClusterObjects, translate } from '../../../src/mesh/istio/index.ts'
import type { InboundListener } from '../../../src/mesh/model/index.ts'
import { clusterOf, meshPodOf, namespaceOf, serviceOf, sidecarOf, sliceOf } from '../../support/mesh-objects.ts'

type Ingress = NonNullable<Sidecar['spec']['ingress']>[number]

const local = meshPodOf('web', { ip: '127.20.1.1', appAddress: '127.20.64.1' })
const bare = meshPodOf('web', { ip: '10.1.0.1' })
const intercepted: Pod = {
  ...bare,
  metadata: { ...bare.metadata, annotations: { [injectedAnnotation]: '{}' } },
}

const listens = (port: number, protocol: string, rest: Partial<Ingress> = {}): Ingress => ({
  port: { number: port, protocol, name: 'any' },
  ...rest,
})

const worldOf = (pod: Pod, ...sidecars: readonly Sidecar[]): ClusterObjects =>
  clusterOf({
    pods: [pod],
    services: [serviceOf('web'), serviceOf('metrics', { selector: { app: 'web' }, ports: [{ port: 9102 }] })],
    endpointSlices: [sliceOf('web', [pod])],
    sidecars,
  })

const inboundOf = (pod: Pod, ...ingress: readonly Ingress[]): readonly InboundListener[] =>
  translate(worldOf(pod, sidecarOf('default', { ingress }))).proxies.flatMap(({ inbound }) => inbound)

/** `pod port -> program: protocol, Service` */
const say = ({ bind, application, protocol, service }: InboundListener) =>
  `${bind.port} -> ${'path' in application ? application.path : `${application.address}:${application.port}`}: ${protocol}, ${service?.name ?? 'none'}`

describe('listeners that a Sidecar names for a workload', () => {
  const rows: readonly (readonly [string, readonly Ingress[], readonly string[], readonly string[]])[] = [
    [
      'none: every port of a Service and of a container',
      [],
      ['8080 -> 127.20.64.1:8080: http, web', '9102 -> 127.20.64.1:9102: http, metrics'],
      ['8080 -> 10.1.0.1:8080: http, web', '9102 -> 10.1.0.1:9102: http, metrics'],
    ],
    [
      'a port: it alone, to the same port of the program',
      [listens(8080, 'HTTP')],
      ['8080 -> 127.20.64.1:8080: http, web'],
      ['8080 -> 10.1.0.1:8080: http, web'],
    ],
    [
      'a program on its loopback address, in the port’s own protocol',
      [listens(8080, 'GRPC', { defaultEndpoint: '127.0.0.1:9090', captureMode: 'DEFAULT' })],
      ['8080 -> 127.20.64.1:9090: http2, web'],
      ['8080 -> 127.0.0.1:9090: http2, web'],
    ],
    [
      'a program on the address of the pod',
      [listens(8080, 'TCP', { defaultEndpoint: '0.0.0.0:9090' })],
      ['8080 -> 127.20.64.1:9090: tcp, web'],
      ['8080 -> 10.1.0.1:9090: tcp, web'],
    ],
    [
      'a program at a socket of the file system, or at one that is no file',
      [
        listens(8080, 'HTTP', { defaultEndpoint: 'unix:///run/app.sock' }),
        listens(8081, 'TCP', { defaultEndpoint: 'unix://@app' }),
      ],
      ['8080 -> /run/app.sock: http, web', '8081 -> @app: tcp, none'],
      ['8080 -> /run/app.sock: http, web', '8081 -> @app: tcp, none'],
    ],
    [
      'ports that no Service names, and those that need root',
      [listens(7070, 'HTTP'), listens(81, 'HTTP', { defaultEndpoint: '127.0.0.1:82' })],
      ['7070 -> 127.20.64.1:7070: http, none', '20081 -> 127.20.64.1:20082: http, none'],
      ['81 -> 127.0.0.1:82: http, none', '7070 -> 10.1.0.1:7070: http, none'],
    ],
  ]
  test.each(rows)('%s', (_, ingress, onLocalPlatform, whereIntercepted) => {
    expect(inboundOf(local, ...ingress).map(say)).toEqual(onLocalPlatform)
    expect(inboundOf(intercepted, ...ingress).map(say)).toEqual(whereIntercepted)
  })

  test('are of the one Sidecar that counts for the workload, and take the mesh’s TLS as policies of the port say', () => {
    const sidecars = [
      sidecarOf('default', { ingress: [listens(7070, 'HTTP')] }),
      sidecarOf('web', { workloadSelector: { labels: { app: 'web' } }, ingress: [listens(8080, 'HTTP')] }),
    ]
    const policy = {
      apiVersion: 'security.istio.io/v1' as const,
      kind: 'PeerAuthentication' as const,
      metadata: { name: 'web', namespace: 'shop' },
      spec: { selector: { matchLabels: { app: 'web' } }, portLevelMtls: { '8080': { mode: 'STRICT' } } },
    }
    const { proxies } = translate({ ...worldOf(local, ...sidecars), peerAuthentications: [policy] })
    expect(proxies.flatMap(({ inbound }) => inbound)).toEqual([
      {
        bind: { address: '127.20.1.1', port: 8080 },
        application: { address: '127.20.64.1', port: 8080 },
        protocol: 'http',
        service: { namespace: 'shop', name: 'web', host: 'web.shop.svc.cluster.local' },
        mutualTls: 'strict',
        origins: [{ kind: 'Sidecar', namespace: 'shop', name: 'web' }],
      },
    ])
  })
})

describe('ports that a Sidecar leaves of its hosts', () => {
  const ports = [{ port: 80 }, { name: 'http-admin', port: 9090 }, { name: 'tcp-log', port: 5432 }]
  const inOther = { metadata: { namespace: 'other' } }
  const services = [serviceOf('web', { ports }), serviceOf('far', { ports, ...inOther })]
  const client = (pod: Pod): Pod => ({
    ...pod,
    metadata: { ...pod.metadata, name: 'client', labels: { app: 'client' } },
  })
  const serviceAddresses = { 'shop/web': '127.20.160.1', 'other/far': '127.20.160.2' }
  const onPlatform = client(meshPodOf('any', { ip: '127.20.1.2', appAddress: '127.20.64.2', serviceAddresses }))
  const proxyOf = (pod: Pod, egress: Sidecar['spec']['egress']) => {
    const sidecars = egress === undefined ? [] : [sidecarOf('default', { egress })]
    const addressed = services.map((service, index) => ({
      ...service,
      spec: { ...service.spec, clusterIP: `10.96.0.${index + 1}` },
    }))
    const labels = { 'istio-injection': 'enabled' }
    const mesh = translate(
      clusterOf({ pods: [pod], services: addressed, sidecars, namespaces: [namespaceOf('shop', labels)] }),
    )
    const [proxy] = mesh.proxies
    if (proxy === undefined) throw new Error('there is no proxy')
    return { ...proxy, clusters: proxy.clusters ?? mesh.clusters }
  }
  const nameOf = (host: string, port: number) => `${host.split('.')[0]}:${port}`
  /** By the listeners of Services, by HTTP_PROXY where it speaks HTTP, and what clusters there are. */
  const onLocalPlatform = (egress: Sidecar['spec']['egress']) => {
    const { outbound, routeTables, clusters } = proxyOf(onPlatform, egress)
    const proxied = routeTables.find(({ name }) => name === 'http_proxy')?.virtualHosts ?? []
    return [
      outbound.flatMap((each) =>
        'service' in each && each.service ? nameOf(each.service.host, each.bind.port % 20_000) : [],
      ),
      proxied.slice(0, -1).map(({ name }) => nameOf(name, Number(name.split(':')[1]))),
      clusters.map(({ service, port }) => nameOf(service.host, port)),
    ].map((names) => names.toSorted().join(' '))
  }
  /** Hosts by the table of their port, and TCP listeners. */
  const whereIntercepted = (egress: Sidecar['spec']['egress']) => {
    const { outbound, routeTables } = proxyOf(client(intercepted), egress)
    const requests = routeTables.flatMap(({ virtualHosts }) =>
      virtualHosts.slice(0, -1).map(({ name }) => nameOf(name, Number(name.split(':')[1]))),
    )
    const connections = outbound.flatMap((each) =>
      each.kind === 'tcp' && each.service ? nameOf(each.service.host, each.bind.port) : [],
    )
    return [...requests, ...connections].toSorted().join(' ')
  }
  const named = (number: number, protocol: string, ...hosts: string[]) => ({ port: { number, protocol }, hosts })
  const rows: readonly (readonly [string, Sidecar['spec']['egress'], string, string])[] = [
    ['every port without a Sidecar', undefined, 'far:80 far:9090 web:80 web:9090', 'far:5432 web:5432'],
    ['the port of the listener, and no other', [named(80, 'HTTP', './*')], 'web:80', ''],
    ['TCP by its own listener', [named(5432, 'TCP', 'other/*')], '', 'far:5432'],
    [
      'requests to a named port for its hosts alone, all else as the last listener says',
      [named(80, 'HTTP', 'other/*'), { hosts: ['*/*'] }],
      'far:80 far:9090 web:9090',
      'far:5432 web:5432',
    ],
    [
      'connections by the address of each Service: the last listener counts beside the one of the port',
      [named(5432, 'TCP', 'other/*'), { hosts: ['./*'], captureMode: 'DEFAULT' }],
      'web:80 web:9090',
      'far:5432 web:5432',
    ],
    ['nothing where no host has the port', [named(81, 'HTTP', '*/*')], '', ''],
    ['nothing where hosts speak otherwise there', [named(80, 'TCP', '*/*')], '', ''],
  ]
  test.each(rows)('%s', (_, egress, http, tcp) => {
    const all = `${http} ${tcp}`.trim().split(' ').toSorted().join(' ')
    expect(onLocalPlatform(egress)).toEqual([all, http, all])
    expect(whereIntercepted(egress)).toBe(all)
  })
})

describe('listeners of a Sidecar with an address of their own', () => {
  const web = serviceOf('web', { ports: [{ port: 80 }, { name: 'tcp-log', port: 5432 }] })
  const outboundOf = (pod: Pod, egress: Sidecar['spec']['egress']) => {
    const namespaces = [namespaceOf('shop', { 'istio-injection': 'enabled' })]
    const services = [{ ...web, spec: { ...web.spec, clusterIP: '10.96.0.1' } }]
    const sidecars = [sidecarOf('default', { egress: egress ?? [] })]
    const { proxies, findings } = translate(clusterOf({ pods: [pod], services, namespaces, sidecars }))
    const [proxy] = proxies
    const listeners = proxy?.outbound.map(({ bind, ...listener }) => {
      const leadsTo = listener.kind === 'http' ? listener.routeTable : listener.kind
      return [`${bind.address}:${bind.port}`, leadsTo, listener.isConnectedTo === true].join(' ')
    })
    const tables = proxy?.routeTables.map(({ name, virtualHosts }) => [
      name,
      virtualHosts.map((host) => host.name).join(),
    ])
    return { listeners, tables, clusters: proxy?.clusters?.map(({ name }) => name), findings }
  }
  const hosts = ['./web.shop.svc.cluster.local']
  const place = (number: number, protocol: string, captureMode: string, bind?: string) => {
    const port = { number, protocol, name: 'own' }
    return { port, captureMode, hosts, ...(bind === undefined ? {} : { bind }) }
  }
  const onPlatform = meshPodOf('client', {
    ip: '127.20.1.2',
    appAddress: '127.20.64.2',
    serviceAddresses: { 'shop/web': '127.20.160.1' },
  })

  test('are in the place of those of their Services', () => {
    const own = [place(80, 'HTTP', 'NONE', '127.0.0.9'), place(5432, 'TCP', 'DEFAULT', '127.0.0.8')]
    const table = 'web.shop.svc.cluster.local:80,allow_any'
    const clusters = ['outbound|80||web.shop.svc.cluster.local', 'outbound|5432||web.shop.svc.cluster.local']
    expect(outboundOf(onPlatform, own)).toEqual({
      listeners: [
        '127.0.0.9:20080 127.0.0.9:80 false',
        '127.0.0.8:5432 tcp false',
        '127.20.1.2:15080 http_proxy false',
      ],
      tables: [
        ['127.0.0.9:80', table],
        ['http_proxy', 'allow_any'],
      ],
      clusters,
      findings: [],
    })
    expect(outboundOf(intercepted, own)).toEqual({
      listeners: ['127.0.0.9:80 127.0.0.9:80 true', '127.0.0.8:5432 tcp false'],
      tables: [['127.0.0.9:80', table]],
      clusters,
      findings: [],
    })
  })

  test('are at the loopback address where nothing is said, beside those of other ports', () => {
    const egress = [place(5432, 'TCP', 'NONE'), { hosts }]
    expect(outboundOf(intercepted, egress).listeners).toEqual([
      '0.0.0.0:80 80 false',
      '10.96.0.1:5432 tcp false',
      '127.0.0.1:5432 tcp true',
    ])
  })

  test('are one where two ports are published as one', () => {
    const both = serviceOf('web', { ports: [{ port: 80 }, { name: 'http-high', port: 20_080 }] })
    const egress = [80, 20_080].map((number) => place(number, 'HTTP', 'NONE'))
    const { proxies } = translate(
      clusterOf({ pods: [onPlatform], services: [both], sidecars: [sidecarOf('default', { egress })] }),
    )
    expect(proxies[0]?.outbound).toMatchObject([
      { bind: { address: '127.0.0.1', port: 20_080 }, routeTable: '127.0.0.1:80' },
      { bind: { address: '127.20.1.2' } },
    ])
  })

  test('that no Service is behind are not there, and told of', () => {
    const told = (index: number, port: string) =>
      `spec.egress[${index}].port: no Service of its hosts has a port ${port}, so nothing is reached by it`
    const { listeners, findings } = outboundOf(intercepted, [
      place(81, 'HTTP', 'DEFAULT'),
      place(80, 'TCP', 'NONE'),
      { hosts },
    ])
    expect(listeners).toEqual(['0.0.0.0:80 80 false', '10.96.0.1:5432 tcp false'])
    expect(findings).toEqual([
      {
        object: { kind: 'Sidecar', namespace: 'shop', name: 'default' },
        reason: 'DestinationNotFound',
        message: `${told(0, '81 for HTTP')}; ${told(1, '80 for TCP')}`,
      },
    ])
  })
})

describe('a Sidecar is refused', () => {
  const form =
    'must be 127.0.0.1:PORT (the program on its loopback address), 0.0.0.0:PORT (on the address of the pod) or unix:///PATH (a socket that the proxy reaches, of 107 bytes at most); absent, it is the port itself'
  const endpoint = (defaultEndpoint: string) => ({ ingress: [listens(8080, 'HTTP', { defaultEndpoint })] })
  const rows: readonly (readonly [string, object, string])[] = [
    ['for an endpoint elsewhere', endpoint('10.1.0.9:80'), `spec.ingress[0].defaultEndpoint: ${form}`],
    ['for an endpoint without a port', endpoint('127.0.0.1'), `spec.ingress[0].defaultEndpoint: ${form}`],
    ['for a port that is none', endpoint('127.0.0.1:65536'), `spec.ingress[0].defaultEndpoint: ${form}`],
    ['for a socket without a path', endpoint('unix://run'), `spec.ingress[0].defaultEndpoint: ${form}`],
    ['for a long path', endpoint(`unix:///${'a'.repeat(107)}`), `spec.ingress[0].defaultEndpoint: ${form}`],
    [
      'for two listeners of one port',
      { ingress: [listens(80, 'HTTP'), listens(81, 'HTTP'), listens(80, 'TCP')] },
      'spec.ingress[2].port.number: is the port of spec.ingress[0], too',
    ],
    [
      'for a port of the proxy',
      { ingress: [listens(15_006, 'HTTP')] },
      'spec.ingress[0].port.number: is a port of the proxy itself',
    ],
    [
      'for another way to be reached than the pod’s',
      { ingress: [listens(80, 'HTTP', { captureMode: 'NONE' })] },
      'spec.ingress[0].captureMode: must be DEFAULT or IPTABLES: where connections are intercepted, all that come in are; traffic.sidecar.istio.io/excludeInboundPorts of the pod leaves ports out',
    ],
    [
      'for an address of its own',
      { ingress: [listens(80, 'HTTP', { bind: '10.1.0.1' })] },
      'spec.ingress[0].bind: must be 0.0.0.0 or ::, or left out: the listener is on the address of the pod',
    ],
    [
      'for a port that does not say what it speaks',
      { ingress: [{ port: { number: 80 } }] },
      `spec.ingress[0].port.protocol: must be given: one of HTTP, HTTP2, GRPC, GRPC-WEB, HTTPS, TLS, TCP, MONGO, MYSQL, REDIS`,
    ],
    [
      'for two listeners of one port of others',
      { egress: [80, 80].map((number) => ({ port: { number, protocol: 'HTTP' }, hosts: ['./*'] })) },
      'spec.egress[1].port.number: is the port of spec.egress[0], too',
    ],
    [
      'for a listener of all ports before another',
      { egress: [{ hosts: ['./*'] }, { hosts: ['istio-system/*'] }] },
      'spec.egress[0].port: must be given: only the last listener may leave it out, and is for all other ports',
    ],
    [
      'for an address to reach others by, without a port',
      { egress: [{ bind: '127.0.0.1', hosts: ['./*'] }] },
      'spec.egress[0].port: must be given where bind is, or captureMode NONE',
    ],
    [
      'for a listener to connect to, without a port',
      { egress: [{ captureMode: 'NONE', hosts: ['./*'] }] },
      'spec.egress[0].port: must be given where bind is, or captureMode NONE',
    ],
    [
      'for a socket to reach others by',
      { egress: [{ ...listens(80, 'HTTP'), bind: 'unix:///run/out.sock', hosts: ['./*'] }] },
      'spec.egress[0].bind: unix:///run/out.sock is a socket of the file system, which this mesh does not support: it must be an IP address',
    ],
    [
      'for an address and port that its proxy has',
      { egress: [{ ...listens(15_080, 'HTTP'), bind: '127.0.0.1', hosts: ['./*'] }] },
      'spec.egress[0].port.number: is a port of the proxy itself',
    ],
    [
      'for two listeners of one address',
      {
        egress: [
          { ...listens(80, 'HTTP'), bind: '127.0.0.1', hosts: ['./*'] },
          { ...listens(80, 'HTTP'), captureMode: 'NONE', hosts: ['istio-system/*'] },
        ],
      },
      'spec.egress[1].port.number: is the port of spec.egress[0], too',
    ],
    [
      'for TLS with others than the mesh',
      { ingress: [{ ...listens(80, 'HTTP'), tls: {} }] },
      'spec.ingress[0].tls: this mesh does not support the field: a PeerAuthentication says who must show a certificate; TLS of others ends at a Gateway',
    ],
  ]
  test.each(rows)('%s', (_, spec, message) => {
    const { findings, proxies } = translate(worldOf(local, sidecarOf('default', spec)))
    expect(findings).toEqual([
      { object: { kind: 'Sidecar', namespace: 'shop', name: 'default' }, reason: 'Invalid', message },
    ])
    expect(proxies.flatMap(({ inbound }) => inbound).map(({ bind }) => bind.port)).toEqual([8080, 9102])
  })
})
