import type { VirtualService } from '../../api/index.ts'
import { type KubeClient, KubeError, type WorkOutcome } from '../../kube/index.ts'
import type { Clock, Logger } from '../../runtime/index.ts'
import { keyOf } from '../istio/index.ts'
import { keyText } from '../model/index.ts'
import type { ConnectedProxy } from '../xds/index.ts'
import type { Configuration } from './configuration.ts'
import { createLaggards } from './laggards.ts'
import type { MeshMetrics } from './metrics.ts'
import { judgeProgrammed, type Programmed } from './programmed.ts'
import { rejectedRules } from './rejected-rules.ts'
import { type ReplicaReport, rejectedElsewhere, stateElsewhere } from './replica-report.ts'
import type { Replicas } from './replicas.ts'
import type { RoutingObject } from './routing-watch.ts'
import { conditionOf, createStatusWriter, isSettled, type StatusWriter } from './status-writer.ts'
import type { Watches } from './watches.ts'

export interface ReconcilerOptions {
  readonly client: Pick<KubeClient, 'patch'>
  readonly watches: Watches
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: MeshMetrics
  readonly laggingAfterMs: number
  readonly enqueue: (key: string) => void
  /** For what comes in swarms. */
  readonly enqueueSoon: (key: string) => void
  readonly facts: () => Facts
  /** Only the elected one writes conditions. */
  readonly replicas: () => Replicas
}

export interface Facts {
  readonly configuration: Configuration
  readonly connected: ReadonlyMap<string, ConnectedProxy>
  readonly isExpected: (nodeId: string) => boolean
}

/** Keeps the condition Programmed true to what the proxies have accepted. */
export interface ProgrammedReconciler {
  reconcile(key: string): Promise<WorkOutcome>
  configurationChanged(): void
  /** One has accepted something, has come or has gone. */
  proxiesChanged(): void
  objectChanged(object: VirtualService | undefined): void
  /** Keys of the objects that are not known to be in force as they are now. */
  open(): readonly string[]
}

interface Waiting {
  readonly generation: number | undefined
  readonly since: number
}

/** How often a proxy that may come back is looked for. */
const LOOK_AGAIN_MS = 500

export function createProgrammedReconciler(options: ReconcilerOptions): ProgrammedReconciler {
  const { clock, watches } = options
  const writer = createStatusWriter(options.client, watches, clock)
  /** Objects whose verdict is still open, and since when. */
  const waiting = new Map<string, Waiting>()
  const laggards = createLaggards(options)

  const since = (key: string, generation: number | undefined): number => {
    const known = waiting.get(key)
    if (known !== undefined && known.generation === generation) return known.since
    waiting.set(key, { generation, since: clock.monotonic() })
    return clock.monotonic()
  }

  /** A newer object is judged when the configuration has it. */
  const findConfigured = (key: string): RoutingObject | undefined => {
    const object = writer.find(key)
    const generation = object?.metadata.generation ?? 0
    return options.facts().configuration.generations.get(key) === generation ? object : undefined
  }

  const decide = async (key: string, object: RoutingObject): Promise<WorkOutcome> => {
    const elapsedMs = clock.monotonic() - since(key, object.metadata.generation)
    const verdict = judge(options, key, object.metadata.generation ?? 0, elapsedMs)
    if (isLate(verdict) && isInForce(object)) {
      waiting.delete(key)
      return {}
    }
    if (verdict.kind === 'pending') {
      laggards.note(key, object.metadata.generation ?? 0)
      return { requeueAfterMs: Math.max(1, Math.min(LOOK_AGAIN_MS, options.laggingAfterMs - elapsedMs)) }
    }
    const isWritten = await unlessConflict(record({ ...options, writer }, key, object, { ...verdict, elapsedMs }))
    if (!isWritten || isLate(verdict)) return { requeueAfterMs: LOOK_AGAIN_MS }
    waiting.delete(key)
    return {}
  }

  return {
    async reconcile(key) {
      laggards.forget(key)
      const object = options.replicas().isElected() ? findConfigured(key) : undefined
      if (object !== undefined) return await decide(key, object)
      waiting.delete(key)
      return {}
    },
    configurationChanged() {
      options.replicas().ownChanged()
      for (const key of speakingKeys(options)) options.enqueue(key)
    },
    proxiesChanged() {
      options.replicas().ownChanged()
      for (const key of waiting.keys()) if (!laggards.isStillBehind(key)) options.enqueueSoon(key)
    },
    open: () => openKeys(watches).filter((key) => findConfigured(key) !== undefined),
    objectChanged(object) {
      options.replicas().ownChanged()
      if (object !== undefined && !isSettled(object)) options.enqueue(keyText(keyOf(object)))
    },
  }
}

type Judging = Pick<ReconcilerOptions, 'facts' | 'replicas' | 'laggingAfterMs'>

function judge(
  { facts, replicas, laggingAfterMs }: Judging,
  key: string,
  generation: number,
  elapsedMs: number,
): Programmed {
  const { configuration, ...proxies } = facts()
  const others = replicas().others()
  return judgeProgrammed({
    ...proxies,
    elsewhere: stateElsewhere(others, key, generation),
    findings: configuration.findings.get(key) ?? [],
    needs: configuration.needs.get(key) ?? [],
    // Of routes it is known whom they are for; of other objects it shows when a proxy rejects what they make.
    rejections: isRoute(key)
      ? {}
      : { ...rejectedElsewhere(others, key, generation), ...rejectedRules({ configuration, ...proxies }).get(key) },
    note: configuration.notes.get(key),
    snapshots: configuration.snapshots,
    isOverdue: elapsedMs >= laggingAfterMs,
  })
}

/** Kinds beside the VirtualService speak only when something is, or was, wrong with them. */
function speakingKeys({ watches, facts, replicas }: ReconcilerOptions): readonly string[] {
  const { findings } = facts().configuration
  const told = replicas().others().flatMap(keysOf)
  const rejected = new Set([...rejectedRules(facts()).keys(), ...told])
  const routes = watches.virtualServices.list().map((object) => keyText(keyOf(object)))
  const others = [...watches.routing.values()]
    .flatMap((watch) => watch.list())
    .map((object) => ({ object, key: keyText(keyOf(object)) }))
    .filter(({ object, key }) => findings.has(key) || rejected.has(key) || conditionOf(object) !== undefined)
  return [...new Set([...routes, ...others.map(({ key }) => key)])]
}

const isRoute = (key: string): boolean => key.startsWith('VirtualService/')

const keysOf = ({ objects }: ReplicaReport): readonly string[] => [...objects.keys()]

/** Of the objects that are not known to be in force as they are now. */
const openKeys = (watches: Watches): readonly string[] =>
  watches.virtualServices
    .list()
    .filter((object) => !isInForce(object))
    .map((object) => keyText(keyOf(object)))

type Decided = Extract<Programmed, { kind: 'decided' }>

async function record(
  { writer, metrics, log }: Pick<ReconcilerOptions, 'metrics' | 'log'> & { readonly writer: StatusWriter },
  key: string,
  object: RoutingObject,
  verdict: Decided & { readonly elapsedMs: number },
): Promise<void> {
  if (verdict.isProgrammed && !isSettled(object)) metrics.convergence.observe(verdict.elapsedMs / 1_000)
  if (!(await writer.write(object, verdict))) return
  const fields = {
    object: key,
    generation: object.metadata.generation,
    reason: verdict.reason,
    detail: verdict.message,
  }
  if (verdict.isProgrammed) log.info(fields, 'route is in force')
  else log.warn(fields, 'route is not in force')
}

const isLate = (verdict: Programmed): boolean => verdict.kind === 'pending' || verdict.reason === 'ProxiesLagging'

/** Proxies that come and go later do not take back what was in force. */
const isInForce = (object: RoutingObject): boolean => isSettled(object) && conditionOf(object)?.status === 'True'

/** False when somebody wrote meanwhile: the watch brings the newer object, and it is judged anew. */
async function unlessConflict(write: Promise<void>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof KubeError && (error.reason === 'Conflict' || error.reason === 'NotFound')) return false
    throw error
  }
}
