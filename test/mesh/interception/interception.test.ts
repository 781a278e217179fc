import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  destinationRuleKind,
  endpointSliceKind,
  peerAuthenticationKind,
  podKind,
  serviceEntryKind,
  serviceKind,
  sidecarKind,
  virtualServiceKind,
} from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import {
  destinationRuleOf,
  serviceEntryOf,
  serviceOf,
  sidecarOf,
  sliceOf,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'
import { get, place, samplesOf, sumOf } from '../../support/mesh-world.ts'
import { type InterceptedWorld, networkSkipReason, startInterceptedWorld } from '../../support/pod-network.ts'
import { createTlsAuthority } from '../../support/tls-authority.ts'

const skipped = networkSkipReason('pods whose connections are intercepted')

/** Says what it was asked, on every address of its pod. */
const web = (name: string) => `
  const { createServer } = require('node:http')
  const answer = ({ url, headers, socket: { localAddress, localPort } }, response) =>
    response.end(JSON.stringify({ name: '${name}', url, headers, at: localAddress.replace('::ffff:', '') + ':' + localPort }))
  createServer(answer).listen(8080)
  createServer(answer).listen(9090)`

describe.skipIf(skipped !== undefined)('in networks of their own, with programs that know nothing of a mesh', () => {
  let world: InterceptedWorld
  beforeAll(async () => {
    const http = { name: 'http', number: 80, target: 8080 }
    world = await startInterceptedWorld([
      { name: 'client', port: http, script: web('client') },
      {
        name: 'web',
        port: http,
        script: web('web'),
        annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '9090' },
      },
      {
        name: 'store',
        port: { name: 'tcp', number: 6379, target: 6379 },
        script: "require('node:net').createServer((socket) => socket.end('stored')).listen(6379)",
      },
    ])
    await eventually(async () => expect(await world.curl('client', 'http://web')).toMatchObject({ code: 0 }))
    await place(world.api, peerAuthenticationKind, {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace: 'istio-system' },
      spec: { mtls: { mode: 'STRICT' } },
    })
    const plain = `http://${world.ip('web')}:8080/`
    await eventually(async () => expect(await get(plain)).toMatchObject({ status: 0 }))
  })
  afterAll(() => world?.stop())

  const ask = async (from: string, url: string) => {
    const { code, body } = await world.curl(from, url)
    expect({ code, body }).toEqual({ code: 0, body: expect.stringMatching(/^\{/) })
    return JSON.parse(body)
  }

  test('a request goes through both proxies, which show each other who they are', async () => {
    const answer = await ask('client', 'http://web.shop/a?b=c')
    expect(answer).toMatchObject({ name: 'web', url: '/a?b=c' })
    expect(answer.headers.host).toBe('web.shop')
    expect(answer.headers['x-forwarded-client-cert']).toContain('URI=spiffe://cluster.local/ns/shop/sa/client')
  })

  test('a program that asks its own Service comes in like anybody else', async () => {
    const answer = await ask('web', 'http://web/')
    expect(answer.headers['x-forwarded-client-cert']).toContain('URI=spiffe://cluster.local/ns/shop/sa/web')
  })

  test('TCP goes by the address of its Service, under TLS too, and the server may speak first', async () => {
    expect(await world.curl('client', 'telnet://store:6379')).toMatchObject({ body: 'stored' })
    const itself = async () => (await world.curl('client', `telnet://${world.ip('store')}:6379`)).body
    expect(await itself()).toBe('')
    // A headless Service makes the pods themselves its addresses.
    const pods = world.api.list(podKind).filter(({ metadata }) => metadata.labels?.app === 'store')
    const port = { name: 'tcp', port: 6379 }
    const headless = serviceOf('stores', { selector: { app: 'store' }, ports: [port] })
    await place(world.api, serviceKind, { ...headless, spec: { ...headless.spec, clusterIP: 'None' } })
    await place(world.api, endpointSliceKind, { ...sliceOf('stores', pods), ports: [port] })
    await eventually(async () => expect(await itself()).toBe('stored'))
  })

  test('routes are told apart by host on one port', async () => {
    const redirect = virtualServiceOf('web', {
      hosts: ['web'],
      http: [
        { match: [{ uri: { prefix: '/mine' } }], route: [{ destination: { host: 'client' } }] },
        { route: [{ destination: { host: 'web' } }] },
      ],
    })
    await place(world.api, virtualServiceKind, redirect)
    await eventually(async () => expect(await ask('client', 'http://web/mine')).toMatchObject({ name: 'client' }))
    expect(await ask('client', 'http://web/')).toMatchObject({ name: 'web' })
  })

  test('STRICT: who has no certificate is refused, but for what the pod leaves out', async () => {
    const at = (port: number) => get(`http://${world.ip('web')}:${port}/`)
    expect(await at(8080)).toMatchObject({ status: 0 })
    expect(await at(9999)).toMatchObject({ status: 0 })
    expect(await at(9090)).toMatchObject({ status: 200 })
  })

  test('a Sidecar names the listeners of a program; what it does not name stays a port without one', async () => {
    // Connections that are open keep to the way that they came: from listeners to none, not back.
    const named = (port: number, defaultEndpoint: string) => ({
      port: { number: port, protocol: 'HTTP' },
      defaultEndpoint,
    })
    const ingress = [named(8080, '127.0.0.1:9090')]
    const selector = { workloadSelector: { labels: { app: 'web' } } }
    await place(world.api, sidecarKind, sidecarOf('web', { ...selector, ingress }))
    await eventually(async () => expect(await ask('client', 'http://web/')).toMatchObject({ at: '127.0.0.1:9090' }))
    const { headers } = await ask('client', 'http://web/')
    expect(headers['x-forwarded-client-cert']).toContain('URI=spiffe://cluster.local/ns/shop/sa/client')
    await place(world.api, sidecarKind, sidecarOf('web', { ...selector, ingress: [named(7070, '0.0.0.0:8080')] }))
    const own = `${world.ip('web')}:8080`
    await eventually(async () => expect(await ask('client', 'http://web/')).toMatchObject({ at: own }))
    expect((await ask('client', 'http://web/')).headers['x-forwarded-client-cert']).toBeUndefined()
    await world.api.client('test').delete(sidecarKind, { name: 'web', namespace: 'shop' })
  })

  test('a DestinationRule lets connections go where they were going', async () => {
    const other = createServer((_, response) => response.end('{"name":"other"}'))
    await new Promise<void>((resolve) => other.listen(9090, `${world.prefix}.0.1`, resolve))
    const entry = serviceEntryOf('direct', {
      hosts: ['direct.example'],
      ports: [{ number: 9090, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
      endpoints: [{ address: `${world.prefix}.0.1` }],
    })
    await place(world.api, serviceEntryKind, entry)
    const name = async () => {
      const { body } = await world.curl('client', '-H', 'host: direct.example', `http://${world.ip('web')}:9090/`)
      return JSON.parse(body).name
    }
    await eventually(async () => expect(await name()).toBe('other'))
    const host = 'direct.example'
    const trafficPolicy = { loadBalancer: { simple: 'PASSTHROUGH' } }
    await place(world.api, destinationRuleKind, destinationRuleOf('direct', { host, trafficPolicy }))
    await eventually(async () => expect(await name()).toBe('web'))
    other.closeAllConnections()
    await new Promise((resolve) => other.close(resolve))
  })

  test('connections to a host outside go where they were going, and are counted for it', async () => {
    const outside = createTcpServer((socket) => socket.end('far'))
    await new Promise<void>((resolve) => outside.listen(9191, `${world.prefix}.0.1`, resolve))
    const entry = serviceEntryOf('far', {
      hosts: ['far.example'],
      addresses: [`${world.prefix}.0.1`],
      ports: [{ number: 9191, name: 'tcp', protocol: 'TCP' }],
      resolution: 'NONE',
    })
    await place(world.api, serviceEntryKind, entry)
    const counted = { destination_service: 'far.example', response_flags: '-' }
    await eventually(async () => {
      expect((await world.curl('client', `telnet://${world.prefix}.0.1:9191`)).body).toBe('far')
      const samples = await samplesOf({ address: world.ip('client') }, 'istio_tcp_connections_closed_total')
      expect(sumOf(samples, counted)).toBeGreaterThan(0)
    })
    await new Promise((resolve) => outside.close(resolve))
  })

  test('a host outside that speaks TLS is known by its name, and has no other’s connections', async () => {
    const authority = await createTlsAuthority()
    const { certificateChain: cert, privateKey: key } = await authority.issue(['near.example', 'other.example'])
    const servers = [9443, 9444].map((port) => {
      const server = createTlsServer({ cert, key }, (_, response) => response.end(`${port}`))
      return server.listen(port, `${world.prefix}.0.1`)
    })
    const entry = serviceEntryOf('near', {
      hosts: ['near.example'],
      ports: [{ number: 9443, name: 'https', protocol: 'HTTPS', targetPort: 9444 }],
      resolution: 'STATIC',
      endpoints: [{ address: `${world.prefix}.0.1` }],
    })
    await place(world.api, serviceEntryKind, entry)
    const at = async (host: string) => {
      const named = ['-k', '--resolve', `${host}:9443:${world.prefix}.0.1`, `https://${host}:9443/`]
      return (await world.curl('client', ...named)).body
    }
    await eventually(async () => expect(await at('near.example')).toBe('9444'))
    expect(await at('other.example')).toBe('9443')
    for (const server of servers) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  test('a Sidecar gives a listener an address of its own, to which a program connects itself', async () => {
    const own = { captureMode: 'NONE', bind: '127.0.0.1' }
    const port = (number: number, protocol: string) => ({ port: { number, protocol, name: 'own' } })
    const egress = [
      { ...own, ...port(8000, 'HTTP'), hosts: ['./high.example'] },
      { ...own, ...port(6379, 'TCP'), hosts: ['./store.shop.svc.cluster.local'] },
      { hosts: ['./*'] },
    ]
    const entry = serviceEntryOf('high', {
      hosts: ['high.example'],
      ports: [{ number: 8000, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
      endpoints: [{ address: world.ip('web'), ports: { http: 9090 } }],
    })
    await place(world.api, serviceEntryKind, entry)
    const sidecar = sidecarOf('client', { workloadSelector: { labels: { app: 'client' } }, egress })
    await place(world.api, sidecarKind, sidecar)
    const request = ['-H', 'host: high.example', 'http://127.0.0.1:8000/']
    await eventually(async () => expect((await world.curl('client', ...request)).body).toContain('"name":"web"'))
    await eventually(async () => expect((await world.curl('client', 'telnet://127.0.0.1:6379')).body).toBe('stored'))
    expect(await ask('client', 'http://web/')).toMatchObject({ name: 'web' })
    await world.api.client('test').delete(sidecarKind, { name: 'client', namespace: 'shop' })
  })

  test('a kubelet asks for programs by way of the proxy, and hears when one is gone', async () => {
    const probe = async (what: string) => (await get(`http://${world.ip('client')}:15020/app-health/${what}`)).status
    const all = () => Promise.all(['web/readyz', 'web/livez', 'rpc/livez'].map(probe))
    // Nobody listens at the port of the gRPC probe.
    await eventually(async () => expect(await all()).toEqual([200, 200, 503]))
    await world.stopProgram('client')
    await eventually(async () => expect(await all()).toEqual([503, 503, 503]), { within: 20_000 })
  })

  test('what the mesh does not know is reached, unless a Sidecar refuses it', async () => {
    const outside = createServer((_, response) => response.end('outside'))
    const port = await new Promise<number>((resolve) => {
      outside.listen(0, `${world.prefix}.0.1`, () => {
        const address = outside.address()
        resolve(typeof address === 'object' ? (address?.port ?? 0) : 0)
      })
    })
    const url = `http://${world.prefix}.0.1:${port}/`
    expect(await world.curl('web', url)).toEqual({ code: 0, body: 'outside' })
    await place(
      world.api,
      sidecarKind,
      sidecarOf('default', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' }, egress: [{ hosts: ['./*'] }] }),
    )
    await eventually(async () => expect((await world.curl('web', url)).code).not.toBe(0))
    // Another resource than the one before, which may come a moment later.
    const format = ['-o', '/dev/null', '-w', '%{http_code}']
    const status = async (...asked: string[]) => (await world.curl('web', ...format, ...asked)).body
    await eventually(async () => expect(await status('-H', 'host: elsewhere', 'http://web/')).toBe('502'))
    expect(await ask('web', 'http://web/')).toMatchObject({ name: 'web' })

    expect(await status('http://client/')).not.toBe('502')
    expect((await world.curl('web', 'telnet://store:6379')).body).toBe('stored')
    const egress = [{ port: { number: 80, protocol: 'HTTP' }, hosts: ['./web.shop.svc.cluster.local'] }]
    const named = { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' }, egress }
    await place(world.api, sidecarKind, sidecarOf('default', named))
    await eventually(async () => expect(await status('http://client/')).toBe('502'))
    expect(await ask('web', 'http://web/')).toMatchObject({ name: 'web' })
    await eventually(async () => expect((await world.curl('web', 'telnet://store:6379')).body).toBe(''))
    outside.closeAllConnections()
    await new Promise((resolve) => outside.close(resolve))
  })
})
