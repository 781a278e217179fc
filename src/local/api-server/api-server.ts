import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import type { Server } from 'node:https'
import { join } from 'node:path'
import { createDefinitionReaction, tendDefinition } from './controllers/custom-resource-definitions.ts'
import { reactDeferred } from './controllers/deferred.ts'
import { expireEvents } from './controllers/event-expiry.ts'
import { createGarbageCollector, sweep } from './controllers/garbage-collector.ts'
import { createNamespaceReaction, ensureNamespaces, tendNamespace } from './controllers/namespaces.ts'
import { createOwnerIndex } from './controllers/owner-index.ts'
import { loadCertificate } from './http/certificates.ts'
import { createHttpsServer } from './http/https-server.ts'
import { renderKubeconfig } from './http/kubeconfig.ts'
import { createRouter, type Router } from './http/router.ts'
import { writeSecretFile } from './http/secret-file.ts'
import { builtinResources } from './kinds/builtin-resources.ts'
import { createRegistry, definitionsStorage } from './kinds/registry.ts'
import { nameOf } from './metadata.ts'
import type { Platform } from './platform.ts'
import type { ApiServer, ApiServerOptions } from './port.ts'
import { StatusError } from './status-error.ts'
import { openPersistence, type Persistence } from './storage/persistence.ts'
import { createStore } from './storage/store.ts'

interface Facts {
  url: string
  caCertificate: string
}

/** A Kubernetes API server in this process, for the local platform. Nothing listens before start. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  requireLoopback(options.host)
  const kubeconfigPath = options.kubeconfigPath ?? join(options.dataDirectory, 'kubeconfig')
  mkdirSync(options.dataDirectory, { recursive: true, mode: 0o700 })
  const token = loadToken(options)
  const facts: Facts = { url: '', caCertificate: '' }
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  // Whoever starts it learns of a failure from start; ready must not become an unhandled rejection beside that.
  ready.catch(() => undefined)
  return {
    ready,
    token,
    kubeconfigPath,
    get url() {
      return facts.url
    },
    get caCertificate() {
      return facts.caCertificate
    },
    async start(signal) {
      try {
        await run({ options, token, kubeconfigPath, facts, onReady: resolve }, signal)
      } catch (error) {
        reject(error)
        throw error
      }
    },
  }
}

interface Running {
  readonly options: ApiServerOptions
  readonly token: string
  readonly kubeconfigPath: string
  readonly facts: Facts
  readonly onReady: () => void
}

async function run({ options, token, kubeconfigPath, facts, onReady }: Running, signal: AbortSignal): Promise<void> {
  const { host, clock, log } = options
  const certificate = await loadCertificate(options.dataDirectory, host, clock.now())
  let router: Router = async () => {
    throw new StatusError(503, 'ServiceUnavailable', 'the API server is starting')
  }
  const hosts = new Set([host, 'localhost'])
  const server = createHttpsServer((request) => router(request), { ...certificate, token, hosts, log, signal })
  // The port is bound before the data is opened: a second instance stops here and touches nothing.
  const port = await listen(server, options)
  const persistence = openPersistence(join(options.dataDirectory, 'state'), log)
  const platform = createPlatform(options, persistence)
  const stop = startControllers(platform)
  router = createRouter(platform, token)
  facts.url = `https://${host}:${port}`
  facts.caCertificate = certificate.ca
  writeSecretFile(kubeconfigPath, renderKubeconfig({ url: facts.url, caCertificate: certificate.ca, token }))
  log.info({ url: facts.url, revision: platform.store.revision() }, 'API server listens')
  onReady()
  await expireEvents(platform.store, clock, signal)
  await close(server)
  stop()
  persistence.compact()
  persistence.close()
}

function createPlatform(options: ApiServerOptions, persistence: Persistence): Platform {
  const store = createStore(persistence.initial)
  persistence.attach(store)
  const prefix = options.host.split('.').slice(0, 2).join('.')
  const registry = createRegistry(store, builtinResources(prefix))
  return { store, registry, clock: options.clock, log: options.log, logSource: options.logSource }
}

/** Reactions to changes, and one look at everything that a stopped server may have left half done. */
function startControllers(platform: Platform): () => void {
  const index = createOwnerIndex(platform.store)
  const reactions = [
    createDefinitionReaction(platform),
    createGarbageCollector(platform, index),
    createNamespaceReaction(platform),
  ]
  const stop = reactDeferred(platform.store, reactions, platform.log)
  ensureNamespaces(platform)
  for (const definition of platform.store.list(definitionsStorage)) tendDefinition(platform, nameOf(definition))
  for (const namespace of platform.store.list('/namespaces')) tendNamespace(platform, nameOf(namespace))
  for (const place of [...platform.store.all()]) sweep(platform, index, place)
  return stop
}

/** Nobody beyond this machine reaches it: a bridge of pods has a private address. */
function requireLoopback(host: string): void {
  if (/^(127|10)\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)) return
  throw new Error(`the local API server listens on a loopback address only (127.x.y.z), not on ${host}`)
}

function loadToken(options: ApiServerOptions): string {
  if (options.token !== undefined) return options.token
  const path = join(options.dataDirectory, 'token')
  if (existsSync(path)) {
    const known = readFileSync(path, 'utf8').trim()
    if (known.length >= 32) return known
  }
  const made = randomBytes(32).toString('base64url')
  writeSecretFile(path, made)
  return made
}

async function listen(server: Server, options: ApiServerOptions): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(options.port, options.host, resolve)
  await promise
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : options.port
}

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  // A connection that was in its TLS handshake is none of them yet, and would idle for its whole keep-alive time.
  const cutting = setInterval(() => server.closeAllConnections(), 50)
  await promise
  clearInterval(cutting)
}
