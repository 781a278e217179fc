import type { Registry } from 'prom-client'
import { type Analyst, createGuardReader } from '../analysis/index.ts'
import type { HookCaller } from '../hooks/index.ts'
import { createEventRecorder, createWorkQueue, type KubeClient, type Random, type Rank } from '../kube/index.ts'
import type { Notifier } from '../notify/index.ts'
import { type Clock, type Logger, untilAborted } from '../runtime/index.ts'
import { createRouters, type Provider } from '../traffic/index.ts'
import { ask } from './ask.ts'
import { createBackgroundAnswers } from './background-answers.ts'
import type { ConfigTracking } from './config/tracker.ts'
import { enqueueOnChange, isUnderWay, keyOf, parseKey } from './enqueue.ts'
import { enqueueNeighbours } from './enqueue-group.ts'
import { createEventHooks } from './event-hooks.ts'
import { createGuard, type Guard, type GuardParts } from './guard.ts'
import { createGuardMetrics } from './guard-metrics.ts'
import { createLocalCopies, type LocalCopies, watchesOf } from './local-copies.ts'
import { type ControllerMetrics, createMetrics } from './metrics.ts'
import { withExplainedRefusals } from './missing-right.ts'
import { createOutbox } from './outbox.ts'
import { type ReconcileOptions, reconcile } from './reconcile.ts'
import { createRetelling, type Retelling } from './retell.ts'
import { createTurns, type Turns } from './turns.ts'

export interface ControllerOptions {
  readonly client: KubeClient
  readonly analyst: Analyst
  readonly hooks: HookCaller
  readonly notifier: Notifier
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  readonly defaults: { readonly metricsServer: string; readonly provider: Provider }
  readonly registry: Registry
  /** Who is told of releases; series of the registry when absent. */
  readonly metrics?: ControllerMetrics
  /** What it works on, kept up by whoever gives it; watches of its own when absent. */
  readonly copies?: LocalCopies
  /** Watch one namespace only. */
  readonly namespace?: string
  /** How many Canaries are worked on at a time; 16 when absent, since a pass may wait for Prometheus. */
  readonly concurrency?: number
  readonly allowCrossNamespaceReferences?: boolean
  /** Most releases in progress in each namespace that says nothing itself; any number when absent or 0. */
  readonly maxConcurrentReleases?: number
  /** Shared by controllers that count each other's releases; its own when absent. */
  readonly turns?: Turns
  /** Everything that a workload reads when absent. */
  readonly tracking?: ConfigTracking
  /** Reads built-in metrics between checks, too; nothing does when absent. */
  readonly guard?: {
    readonly intervalMs: number
    /** Time between two scrapes of the mesh's proxies. */
    readonly scrapeIntervalMs: number
  }
}

export const trackEverything: ConfigTracking = { configMaps: true, secrets: true }

/** Runs releases until the signal fires. Only the leader may call it. */
export async function startController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log, random } = options
  const { namespace, tracking = trackEverything, metrics = createMetrics(options.registry) } = options
  const copies = options.copies ?? createLocalCopies({ client, clock, log, random, namespace, tracking })
  const policy = { allowCrossNamespaceReferences: options.allowCrossNamespaceReferences ?? false }
  const asking = { ...options, copies, policy, defaultMetricsServer: options.defaults.metricsServer }
  const background = createBackgroundAnswers({
    ask: (asked, stop) => ask(asking, asked, stop),
    clock,
    wake: (key) => queue.add(key),
  })
  const group = {
    copies,
    turns: options.turns ?? createTurns(),
    maxConcurrentReleases: options.maxConcurrentReleases ?? 0,
  }
  const eventHooks = createEventHooks(options.hooks, signal)
  const events = createEventRecorder({ client, component: 'sluice', clock, log })
  const outbox = createOutbox({
    ...options,
    ...{ client: withExplainedRefusals(client), events, policy },
    wake: (key, afterMs = 0) => queue.addAfter(key, afterMs),
  })
  const retelling = createRetelling({ events, eventHooks, outbox })
  const parts = {
    ...options,
    ...group,
    ...{ background, eventHooks, outbox, events, retelling },
    policy,
    metrics,
    routers: createRouters({ ...copies, client, clock }),
    defaultProvider: options.defaults.provider,
  }
  const queue = createWorkQueue({
    clock,
    log,
    random,
    concurrency: options.concurrency ?? 20,
    // An API server that is asked for less at a time has the first of many releases on their way sooner.
    patientConcurrency: 4,
    rankOf: (key) => rankOf(copies, guard, key),
    reconcile: (key, stop) => timed(parts, () => reconcile({ ...parts, guard }, key, stop)),
  })
  const guard = createGuardOf(options, { ...asking, wake: queue.add })
  followCanaries(copies, metrics, retelling)
  const watching = options.copies ? [] : watchesOf(copies).map((copy) => copy.start(signal))
  const synced = [...watchesOf(copies), ...(copies.rivals ? [copies.rivals] : [])].map((copy) => copy.synced)
  await Promise.race([Promise.all(synced), untilAborted(signal), ...watching])
  // Nothing is decided on half a copy: handlers begin when every list is in.
  enqueueOnChange(copies, queue)
  enqueueNeighbours(group, queue)
  for (const canary of copies.canaries.list()) queue.add(keyOf(canary))
  if (!signal.aborted) log.info({ canaries: copies.canaries.list().length }, 'controller started')
  await Promise.all([queue.start(signal), guard?.start(signal), ...watching])
  await Promise.all([background.settled(), eventHooks.settled()])
}

function rankOf(copies: LocalCopies, guard: Guard | undefined, key: string): Rank {
  if (guard?.suspicionOf(key) !== undefined) return 'first'
  return isUnderWay(copies.canaries.get(parseKey(key))) ? 'urgent' : 'patient'
}

/** Metrics show the Canaries that there are; nothing is kept of those that are gone. */
function followCanaries({ canaries }: LocalCopies, metrics: ControllerMetrics, retelling: Retelling): void {
  metrics.show(() => canaries.list())
  canaries.onChange((current, previous) => {
    if (current !== undefined || previous === undefined) return
    metrics.forget(describeForgotten(previous))
    retelling.forget(previous)
  })
}

function createGuardOf(
  { guard, registry, clock, log }: ControllerOptions,
  parts: Pick<GuardParts, 'copies' | 'policy' | 'defaultMetricsServer' | 'wake'>,
): Guard | undefined {
  if (guard === undefined) return undefined
  const metrics = createGuardMetrics(registry, () => clock.now())
  const { intervalMs, scrapeIntervalMs } = guard
  const reader = createGuardReader({ clock, log, scrapeIntervalMs, onAnswer: metrics.answered })
  return createGuard({ ...parts, clock, reader, intervalMs, metrics })
}

const describeForgotten = (
  canary: Parameters<typeof keyOf>[0] & { readonly spec: { readonly targetRef: { readonly name: string } } },
) => ({
  namespace: canary.metadata.namespace ?? '',
  name: canary.metadata.name,
  target: canary.spec.targetRef.name,
})

async function timed<T>(
  { clock, metrics }: Pick<ReconcileOptions, 'clock' | 'metrics'>,
  work: () => Promise<T>,
): Promise<T> {
  const began = clock.monotonic()
  const seconds = () => (clock.monotonic() - began) / 1_000
  try {
    const result = await work()
    metrics.reconciled(seconds(), 'ok')
    return result
  } catch (error) {
    metrics.reconciled(seconds(), 'error')
    throw error
  }
}
