import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSelfSignedAuthority, type Leaf, openAuthority } from '../../src/mesh/ca/index.ts'
import { silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { temporaryDirectory } from '../../test/support/directory.ts'
import { envoyPath } from '../../test/support/envoy.ts'

interface Address {
  readonly address: string
  readonly port: number
}

/** What both sides show, and whom they believe. */
export interface BareTls {
  readonly leaf: Leaf
  readonly root: string
}

export interface BareOptions {
  /** Of a loopback block whose addresses `PREFIX.2.x` nobody has. */
  readonly prefix: string
  readonly application: Address
}

export interface BarePair {
  /** Where clients ask, without and with mTLS between the two. */
  readonly urls: { readonly bare: string; readonly bareMtls: string }
  /** Where the second takes nothing but mTLS. */
  readonly protectedUrl: string
  /** Process ids, the client's first. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

const ports = { bare: 8080, bareMtls: 8443 }
const identity = 'spiffe://cluster.local/ns/shop/sa/default'

/** Two Envoys, started as sidecars are, that do nothing but pass on: what Envoy itself costs. */
export async function startBarePair(options: BareOptions): Promise<BarePair> {
  const directory = await temporaryDirectory()
  const command = await envoyPath()
  const texts = bareConfigurations(options, await createTls())
  const children = await Promise.all(
    texts.map(async (text, index) => {
      const path = join(directory.path, `envoy-${index}.json`)
      await writeFile(path, text, { mode: 0o600 })
      const args = ['-c', path, '--disable-hot-restart', '--concurrency', '1', '-l', 'error']
      return spawnChild({ command, args, env: {}, stdout: 'ignore', stderr: process.stderr, log: silentLogger })
    }),
  )
  const { client, server } = addressesOf(options)
  return {
    urls: { bare: `http://${client}:${ports.bare}`, bareMtls: `http://${client}:${ports.bareMtls}` },
    protectedUrl: `http://${server}:${ports.bareMtls}`,
    pids: children.map(({ pid }) => pid),
    async stop() {
      await Promise.all(children.map((child) => child.stop({ graceMs: 2_000 })))
      await directory[Symbol.asyncDispose]()
    },
  }
}

const addressesOf = ({ prefix }: BareOptions) => ({ client: `${prefix}.2.1`, server: `${prefix}.2.2` })

/** Of both. */
export async function createTls(): Promise<BareTls> {
  const now = Date.now()
  const authority = await openAuthority(await createSelfSignedAuthority(now), now)
  if (!authority.ok) throw new Error(authority.error)
  const names = [{ type: 'url' as const, value: identity }]
  return { leaf: await authority.value.issue({ names, now, lifetimeMs: 86_400_000 }), root: authority.value.root }
}

/** The files of the client's and of the server's: a router, no statistics, Envoy's defaults for the rest. */
export function bareConfigurations(options: BareOptions, tls: BareTls): readonly string[] {
  const { client, server } = addressesOf(options)
  const { application } = options
  return [
    configuration([
      { bind: { address: client, port: ports.bare }, to: { address: server, port: ports.bare } },
      { bind: { address: client, port: ports.bareMtls }, to: { address: server, port: ports.bareMtls }, offers: tls },
    ]),
    configuration([
      { bind: { address: server, port: ports.bare }, to: application },
      { bind: { address: server, port: ports.bareMtls }, to: application, takes: tls },
    ]),
  ]
}

/** One way through an Envoy. */
interface Way {
  readonly bind: Address
  readonly to: Address
  readonly takes?: BareTls
  readonly offers?: BareTls
}

const configuration = (ways: readonly Way[]): string =>
  JSON.stringify({
    statsConfig: { statsMatcher: { rejectAll: true } },
    staticResources: { listeners: ways.map(listener), clusters: ways.map(cluster) },
  })

function listener({ bind, takes }: Way) {
  const name = `${bind.port}`
  const routes = [{ match: { prefix: '/' }, route: { cluster: name, timeout: '0s' } }]
  const manager = extension('filters.network.http_connection_manager', 'HttpConnectionManager', {
    statPrefix: name,
    routeConfig: { virtualHosts: [{ name, domains: ['*'], routes }] },
    httpFilters: [extension('filters.http.router', 'Router', {})],
  })
  const transportSocket = takes && tlsSocket('DownstreamTlsContext', takes, { requireClientCertificate: true })
  return {
    name,
    address: socketAddress(bind),
    enableReusePort: false,
    filterChains: [{ filters: [manager], transportSocket }],
  }
}

function cluster({ bind, to, offers }: Way) {
  const name = `${bind.port}`
  const endpoints = [{ lbEndpoints: [{ endpoint: { address: socketAddress(to) } }] }]
  const transportSocket = offers && tlsSocket('UpstreamTlsContext', offers, { sni: 'bare' })
  return { name, type: 'STATIC', loadAssignment: { clusterName: name, endpoints }, transportSocket }
}

const socketAddress = ({ address, port }: Address) => ({ socketAddress: { address, portValue: port } })

function tlsSocket(message: string, { leaf, root }: BareTls, fields: object) {
  const commonTlsContext = {
    tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_2', tlsMaximumProtocolVersion: 'TLSv1_3' },
    tlsCertificates: [
      { certificateChain: { inlineString: leaf.certificateChain }, privateKey: { inlineString: leaf.privateKey } },
    ],
    validationContext: {
      trustedCa: { inlineString: root },
      matchTypedSubjectAltNames: [{ sanType: 'URI', matcher: { exact: identity } }],
    },
  }
  return extension('transport_sockets.tls', message, { ...fields, commonTlsContext })
}

const extension = (path: string, message: string, fields: object) => ({
  name: `envoy.${path}`,
  typedConfig: { '@type': `type.googleapis.com/envoy.extensions.${path}.v3.${message}`, ...fields },
})
