import { hostname } from 'node:os'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { createAnalyst } from '../../analysis/index.ts'
import { parseDuration } from '../../base/index.ts'
import {
  createJobRunner,
  createNoticeCounter,
  createSecretReader,
  withExplainedRefusals,
} from '../../controller/index.ts'
import { startImagePolicies } from '../../gitops/index.ts'
import { createHookCaller } from '../../hooks/index.ts'
import { createEventRecorder, type KubeClient, runLeaderElection } from '../../kube/index.ts'
import { createNotifier } from '../../notify/index.ts'
import { createLogger, type Logger, runTogether, systemClock, untilSignal } from '../../runtime/index.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { serveProbes } from '../probe-server.ts'
import { createServingClient } from '../serving-client.ts'
import { startControllers } from './flagger-compat.ts'

export interface ControllerCommandOptions {
  readonly kubeconfig?: string
  readonly logLevel: string
  readonly metricsServer: string
  readonly scrapeInterval: string
  readonly guardInterval: string
  readonly meshProvider: 'mesh' | 'istio'
  readonly listen: string
  readonly leaderElect: boolean
  readonly leaseNamespace: string
  readonly allowCrossNamespaceRefs: boolean
  readonly maxConcurrentReleases: string
  readonly flaggerCompat: boolean
  readonly flaggerLeaseNamespace: string
  readonly configTracking: 'all' | 'config-maps' | 'none'
}

/** Counters do not move more often than they are scraped. */
const SHORTEST_GUARD_INTERVAL_MS = 1_000

interface Process {
  readonly client: KubeClient
  readonly log: Logger
  readonly registry: Registry
  readonly options: ControllerCommandOptions
  readonly scrapeIntervalMs: number
  /** 0 where nothing is watched between checks. */
  readonly guardIntervalMs: number
  /** 0 for any number. */
  readonly maxConcurrentReleases: number
}

/** The controller process: releases and image policies of the leader, probes and metrics of every replica. */
export async function runController(options: ControllerCommandOptions): Promise<void> {
  const scrapeIntervalMs = millisecondsOf('--scrape-interval', options.scrapeInterval)
  const guardIntervalMs = millisecondsOf('--guard-interval', options.guardInterval)
  if (guardIntervalMs > 0 && guardIntervalMs < SHORTEST_GUARD_INTERVAL_MS) {
    throw new CommandError('--guard-interval must be at least 1s, or 0s to switch the guard off', exitCodes.usage)
  }
  const maxConcurrentReleases = countOf('--max-concurrent-releases', options.maxConcurrentReleases)
  using stop = untilSignal()
  const log = createLogger({ name: 'controller', level: options.logLevel })
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const client = await createServingClient(options.kubeconfig, 'sluice')
  const controller: Process = {
    client,
    log,
    registry,
    options,
    scrapeIntervalMs,
    guardIntervalMs,
    maxConcurrentReleases,
  }
  await runTogether(stop.signal, [
    (signal) => serveProbes({ listen: options.listen, registry, log, isReady: () => true }, signal),
    (signal) => (options.leaderElect ? leadWhenElected(controller, signal) : lead(controller, signal)),
  ])
}

function millisecondsOf(flag: string, text: string): number {
  const duration = parseDuration(text)
  if (!duration.ok) throw new CommandError(`${flag}: ${duration.error}`, exitCodes.usage)
  return duration.value
}

function countOf(flag: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new CommandError(`${flag}: ${text} is no number of releases`, exitCodes.usage)
  return Number(text)
}

async function leadWhenElected(controller: Process, signal: AbortSignal): Promise<void> {
  const outcome = await runLeaderElection(
    {
      client: controller.client,
      namespace: controller.options.leaseNamespace,
      name: 'sluice-controller',
      identity: `${hostname()}-${process.pid}`,
      clock: systemClock,
      log: controller.log,
      lead: (leading) => lead(controller, leading),
    },
    signal,
  )
  if (outcome === 'lost') throw new CommandError('the lease was lost to another replica: ending, to be started again')
}

function lead(controller: Process, signal: AbortSignal): Promise<void> {
  const { client, log, registry, options, scrapeIntervalMs, guardIntervalMs } = controller
  const acting = { clock: systemClock, log, random: Math.random }
  const onResult = createNoticeCounter(registry)
  return runTogether(signal, [
    (running) =>
      startControllers(
        {
          ...acting,
          client,
          registry,
          analyst: createAnalyst({
            ...acting,
            scrapeIntervalMs,
            secrets: createSecretReader(withExplainedRefusals(client)),
            jobs: createJobRunner(withExplainedRefusals(client), systemClock),
            environment: process.env,
          }),
          hooks: createHookCaller(acting),
          notifier: createNotifier({ ...acting, signal: running, onResult }),
          defaults: { metricsServer: options.metricsServer, provider: options.meshProvider },
          allowCrossNamespaceReferences: options.allowCrossNamespaceRefs,
          maxConcurrentReleases: controller.maxConcurrentReleases,
          tracking: {
            configMaps: options.configTracking !== 'none',
            secrets: options.configTracking === 'all',
          },
          ...(guardIntervalMs > 0 ? { guard: { intervalMs: guardIntervalMs, scrapeIntervalMs } } : {}),
        },
        { enabled: options.flaggerCompat, leaseNamespace: options.flaggerLeaseNamespace },
        running,
      ),
    (running) =>
      startImagePolicies(
        { ...acting, client, recorder: createEventRecorder({ ...acting, client, component: 'sluice' }) },
        running,
      ),
  ])
}
