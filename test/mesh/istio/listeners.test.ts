import { describe, expect, test } from 'vitest'
import { injectedAnnotation, type Pod, type Sidecar } from '../../../src/api/index.ts'
import { type ClusterObjects, translate } from '../../../src/mesh/istio/index.ts'
import type { InboundListener } from '../../../src/mesh/model/index.ts'
import { clusterOf, meshPodOf, serviceOf, sidecarOf, sliceOf } from '../../support/mesh-objects.ts'

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
  `${bind.port} -> ${application.address}:${application.port}: ${protocol}, ${service?.name ?? 'none'}`

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
      },
    ])
  })
})

describe('a Sidecar is refused', () => {
  const form =
    'must be 127.0.0.1:PORT (the program on its loopback address) or 0.0.0.0:PORT (on the address of the pod); absent, it is the port itself'
  const endpoint = (defaultEndpoint: string) => ({ ingress: [listens(8080, 'HTTP', { defaultEndpoint })] })
  const rows: readonly (readonly [string, object, string])[] = [
    ['for an endpoint elsewhere', endpoint('10.1.0.9:80'), `spec.ingress[0].defaultEndpoint: ${form}`],
    ['for an endpoint without a port', endpoint('127.0.0.1'), `spec.ingress[0].defaultEndpoint: ${form}`],
    ['for a port that is none', endpoint('127.0.0.1:65536'), `spec.ingress[0].defaultEndpoint: ${form}`],
    [
      'for a socket',
      endpoint('unix:///run/app.sock'),
      `spec.ingress[0].defaultEndpoint: unix:///run/app.sock is a socket of the file system, which this mesh does not support: it ${form}`,
    ],
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
      'spec.ingress[0].captureMode: must be DEFAULT: whether connections are intercepted is a matter of the pod, not of one listener',
    ],
    [
      'for an address of its own',
      { ingress: [listens(80, 'HTTP', { bind: '10.1.0.1' })] },
      'spec.ingress[0].bind: leave it out: the listener is on the address of the pod',
    ],
    [
      'for a port that does not say what it speaks',
      { ingress: [{ port: { number: 80 } }] },
      `spec.ingress[0].port.protocol: must be one of HTTP, HTTP2, GRPC, GRPC-WEB, HTTPS, TLS, TCP, MONGO, MYSQL, REDIS`,
    ],
    [
      'for TLS with others than the mesh',
      { ingress: [{ ...listens(80, 'HTTP'), tls: {} }] },
      'spec.ingress[0].tls: this mesh does not support the field',
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
