import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { parse } from 'yaml'
import { z } from 'zod'
import { type Lease, leaseKind } from '../../api/index.ts'
import { createReflector, type KubeClient, type ReflectorOptions } from '../../kube/index.ts'
import {
  authenticateByKey,
  authenticateByTokenReview,
  type ControlPlane,
  countedReviews,
  createControlPlane,
  type ReplicaSettings,
  replicaLabel,
} from '../../mesh/control-plane/index.ts'
import type { Observability } from '../../mesh/envoy/index.ts'
import { createInjectionReview, type InjectionSettings, injectionSettingsSchema } from '../../mesh/injector/index.ts'
import type { Authenticate } from '../../mesh/xds/index.ts'
import { createLogger, type Logger, messageOf, runTogether, systemClock, untilSignal } from '../../runtime/index.ts'
import { serveDebug } from '../debug-server.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { parseListen, serveProbes } from '../probe-server.ts'
import { createServingClient } from '../serving-client.ts'
import { serveWebhooks, type WebhookServerOptions } from '../webhook-server.ts'

export interface MeshCommandOptions {
  readonly kubeconfig?: string
  readonly logLevel: string
  readonly xdsListen: string
  readonly xdsTokenKeyFile?: string
  readonly authorityNamespace?: string
  readonly leaderElect?: boolean
  readonly debugListen?: string
  readonly listen: string
  readonly accessLog?: boolean
  readonly sizeMetrics?: boolean
  readonly zipkin?: string
  readonly otlp?: string
  readonly traceSampling: number
  readonly webhookListen?: string
  readonly webhookCertificate?: string
  readonly injectionSettings?: string
}

/** The control plane process: xDS for every proxy, probes and metrics. */
export async function runMesh(options: MeshCommandOptions): Promise<void> {
  using stop = untilSignal()
  const acting = {
    clock: systemClock,
    log: createLogger({ name: 'mesh', level: options.logLevel }),
    random: Math.random,
  }
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const client = await createServingClient(options.kubeconfig, 'sluice-mesh')
  const controlPlane = createControlPlane({
    ...acting,
    client,
    registry,
    reflectorOf: (kind) => createReflector({ ...acting, client, kind }),
    xds: { ...parseListen(options.xdsListen), authenticate: await authenticateBy(options.xdsTokenKeyFile, client) },
    authorityNamespace: options.authorityNamespace,
    publishesRoots: options.injectionSettings !== undefined,
    replica: options.leaderElect === true ? replicaSettings(options, client, acting) : undefined,
    observability: observe(options),
  })
  const { isReady } = controlPlane
  await runTogether(stop.signal, [
    (signal) => serveProbes({ listen: options.listen, registry, log: acting.log, isReady }, signal),
    controlPlane.start,
    ...debug(options, controlPlane, acting.log),
    ...(await webhooks(options, acting, registry)),
  ])
}

function replicaSettings(
  { authorityNamespace: namespace = 'istio-system' }: MeshCommandOptions,
  client: KubeClient,
  acting: Omit<ReflectorOptions<Lease>, 'client' | 'kind'>,
): ReplicaSettings {
  const scope = { namespace, labelSelector: replicaLabel }
  const reports = createReflector({ ...acting, ...scope, client, kind: leaseKind })
  // A part of an object's name.
  const identity = `${hostname()}-${process.pid}`.toLowerCase().replace(/[^a-z0-9-]/g, '-')
  return { identity, namespace, client, reports }
}

function observe(options: MeshCommandOptions): Observability {
  const { accessLog = false, sizeMetrics = false, zipkin, otlp, traceSampling } = options
  const collector = zipkin ?? otlp
  if (collector === undefined) return { accessLog, sizeMetrics }
  const { host, port } = parseListen(collector)
  const address = { address: host, port }
  return {
    accessLog,
    sizeMetrics,
    tracing: { collector: zipkin === undefined ? 'otlp' : 'zipkin', address, samplePercent: traceSampling },
  }
}

/** Not served without an address. */
const debug = (
  { debugListen: listen }: MeshCommandOptions,
  { views, departures }: ControlPlane,
  log: Logger,
): readonly ((signal: AbortSignal) => Promise<void>)[] =>
  listen === undefined ? [] : [(signal) => serveDebug({ listen, views, departures, replica: hostname(), log }, signal)]

/** None without an address for them. */
async function webhooks(
  { webhookListen, webhookCertificate, injectionSettings }: MeshCommandOptions,
  acting: Pick<WebhookServerOptions, 'clock' | 'log'>,
  registry: Registry,
): Promise<readonly ((signal: AbortSignal) => Promise<void>)[]> {
  if (webhookListen === undefined) return []
  if (webhookCertificate === undefined) {
    const next = 'give --webhook-certificate, a folder with tls.crt and tls.key'
    throw new CommandError(`--webhook-listen ${webhookListen}: ${next}`, exitCodes.usage)
  }
  const answers: Record<string, (body: unknown) => object | undefined> = { '/validate': countedReviews(registry) }
  if (injectionSettings !== undefined)
    answers['/inject'] = createInjectionReview(await readInjectionSettings(injectionSettings))
  const server = { ...acting, listen: webhookListen, certificateDirectory: webhookCertificate, answers }
  return [(signal) => serveWebhooks(server, signal)]
}

async function readInjectionSettings(path: string): Promise<InjectionSettings> {
  try {
    const read = injectionSettingsSchema.safeParse(parse(await readFile(path, 'utf8')))
    if (read.success) return read.data
    throw new Error(z.prettifyError(read.error))
  } catch (error) {
    throw new CommandError(`--injection-settings ${path}: ${messageOf(error)}`, exitCodes.usage)
  }
}

async function authenticateBy(keyFile: string | undefined, client: KubeClient): Promise<Authenticate> {
  if (keyFile === undefined) return authenticateByTokenReview(client)
  try {
    return authenticateByKey((await readFile(keyFile, 'utf8')).trim())
  } catch (error) {
    throw new CommandError(`--xds-token-key-file ${keyFile}: ${messageOf(error)}`, exitCodes.usage)
  }
}
