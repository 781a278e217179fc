import { createHash } from 'node:crypto'
import type { RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { KubeError } from './port.ts'

/** An API server reached without a kubeconfig. */
export interface ApiConnection {
  /** Such as https://127.64.0.1:6443. */
  readonly server: string
  /** PEM of the authority that signed the server's certificate; the system's authorities when absent. */
  readonly ca?: string
  readonly token?: string
}

/** A path, a loaded KubeConfig, or a connection; undefined = KUBECONFIG, ~/.kube/config or the pod's service account. */
export type KubeConfigSource = string | KubeConfig | ApiConnection | undefined

export interface TlsMaterial {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export interface Credentials {
  readonly server: string
  readonly proxy: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsMaterial
  /** Equal for equal TLS material and proxy, so that connections are kept while it stays. */
  readonly connectionKey: string
}

/** Resolves who we are for the next request: token files rotate and exec plugins expire. `refused` asks anew at once. */
export type CredentialSource = (refused?: boolean) => Promise<Credentials>

/** Client-node reads files and makes three agents each time it is asked, which costs more than the request. */
const FRESH_MS = 5_000

export function createCredentialSource(source: KubeConfigSource): CredentialSource {
  if (source !== undefined && typeof source !== 'string' && !isKubeConfig(source)) {
    const fixed = connectionToCredentials(source)
    return () => Promise.resolve(fixed)
  }
  let loaded: Promise<KubeConfig> | undefined
  let known: { readonly credentials: Credentials; readonly at: number } | undefined
  return async (refused = false) => {
    if (known && !refused && performance.now() - known.at < FRESH_MS) return known.credentials
    loaded ??= isKubeConfig(source) ? Promise.resolve(source) : loadKubeConfig(source)
    try {
      const credentials = await resolveCredentials(await loaded)
      known = { credentials, at: performance.now() }
      return credentials
    } catch (cause) {
      loaded = undefined
      throw cause
    }
  }
}

/** Throws a KubeError that says what is wrong with a kubeconfig; nothing is connected. */
export async function checkKubeConfig(source: KubeConfigSource): Promise<void> {
  await createCredentialSource(source)()
}

/** Host of the API server that the current context names; undefined without one. */
export async function apiServerHost(path: string | undefined): Promise<string | undefined> {
  const server = (await loadKubeConfig(path)).getCurrentCluster()?.server
  return server === undefined ? undefined : new URL(server).hostname
}

const isKubeConfig = (source: KubeConfigSource): source is KubeConfig =>
  typeof source === 'object' && 'applyToHTTPSOptions' in source

function connectionToCredentials(connection: ApiConnection): Credentials {
  const tls = connection.ca === undefined ? {} : { ca: connection.ca }
  return {
    server: connection.server,
    proxy: undefined,
    headers: connection.token === undefined ? {} : { authorization: `Bearer ${connection.token}` },
    tls,
    connectionKey: keyOf(connection.server, undefined, tls),
  }
}

async function loadKubeConfig(path: string | undefined): Promise<KubeConfig> {
  // Loaded on first use: the package costs 60 MB, which a connection of our own does not need.
  const { readKubeConfig } = await import('./kubeconfig.ts')
  try {
    return readKubeConfig(path)
  } catch (cause) {
    const where = path === undefined ? 'the default kubeconfig' : `the kubeconfig ${path}`
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KubeError(`${where} cannot be read: ${why}; set KUBECONFIG or --kubeconfig to a readable file`, {
      code: 0,
      reason: 'InvalidKubeConfig',
      retry: 'later',
      cause,
    })
  }
}

async function resolveCredentials(config: KubeConfig): Promise<Credentials> {
  const cluster = config.getCurrentCluster()
  if (cluster === null) {
    throw new KubeError(
      `kubeconfig: context "${config.getCurrentContext()}" names no cluster; choose one with kubectl config use-context`,
      { code: 0, reason: 'InvalidKubeConfig', retry: 'later' },
    )
  }
  const options: RequestOptions = {}
  await applyKubeConfig(config, options)
  const tls = tlsOf(options)
  const server = cluster.server.replace(/\/+$/, '')
  return {
    server,
    proxy: cluster.proxyUrl,
    headers: headersOf(options),
    tls,
    connectionKey: keyOf(server, cluster.proxyUrl, tls),
  }
}

async function applyKubeConfig(config: KubeConfig, options: RequestOptions): Promise<void> {
  try {
    await config.applyToHTTPSOptions(options)
  } catch (cause) {
    throw new KubeError('kubeconfig: the credentials of the current user cannot be had; run its exec plugin by hand', {
      code: 0,
      reason: 'InvalidKubeConfig',
      retry: 'later',
      cause,
    })
  }
}

function tlsOf(options: RequestOptions): TlsMaterial {
  const { ca, cert, key, servername, rejectUnauthorized } = options
  return {
    ...(isPem(ca) ? { ca } : {}),
    ...(isPem(cert) ? { cert } : {}),
    ...(isPem(key) ? { key } : {}),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  }
}

const isPem = (value: unknown): value is string | Buffer => typeof value === 'string' || Buffer.isBuffer(value)

function headersOf(options: RequestOptions): Readonly<Record<string, string>> {
  const headers = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
  const basic = options.auth ? { authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` } : {}
  return { ...Object.fromEntries(headers), ...basic }
}

function keyOf(server: string, proxy: string | undefined, tls: TlsMaterial): string {
  const hash = createHash('sha256')
  for (const part of [server, proxy ?? '', tls.ca, tls.cert, tls.key, tls.servername])
    hash.update(part ?? '').update('\0')
  return hash.update(String(tls.rejectUnauthorized)).digest('base64')
}
