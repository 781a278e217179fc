import type { DaemonSet, Pod } from '../../api/index.ts'
import { canonicalJson } from '../../base/index.ts'
import { isActive, isAvailable, isFinished, isReady, isTerminating, readySince } from './pod-facts.ts'
import { nameOfValue } from './safe-name.ts'

/** Says which template a pod was made from, as Kubernetes' DaemonSet controller does. */
const revisionHashLabel = 'controller-revision-hash'

/** What a DaemonSet may ask of the platform's only node. */
const NODE_LABELS: Readonly<Record<string, string>> = {
  'kubernetes.io/hostname': 'local',
  'kubernetes.io/os': 'linux',
}

export interface DaemonSetState {
  readonly daemonSet: DaemonSet
  /** The pods it controls. */
  readonly pods: readonly Pod[]
  /** Pods whose deletion was asked for and is not seen yet. */
  readonly leaving: ReadonlySet<string>
  readonly now: number
}

type Status = NonNullable<DaemonSet['status']>

export type DaemonSetAction =
  | { readonly kind: 'createPod'; readonly labels: Readonly<Record<string, string>> }
  | { readonly kind: 'deletePod'; readonly pod: Pod }
  | { readonly kind: 'writeStatus'; readonly status: Status }

export interface DaemonSetDecision {
  readonly actions: readonly DaemonSetAction[]
  /** A ready pod becomes available after this time. */
  readonly requeueAfterMs?: number
}

/** One pod of the newest template on the node, or none where the node is not meant. */
export function decideDaemonSet(state: DaemonSetState): DaemonSetDecision {
  const pods = podsOf(state)
  const { daemonSet } = state
  const status = countPods(state, pods)
  const isGoing = daemonSet.metadata.deletionTimestamp !== undefined
  const actions = [
    ...(isGoing ? [] : planPods(state, pods)),
    ...(isSameStatus(status, daemonSet.status) ? [] : [{ kind: 'writeStatus', status } as const]),
  ]
  const waitMs = untilAvailable(state, pods)
  return waitMs === undefined ? { actions } : { actions, requeueAfterMs: waitMs }
}

interface DaemonPods {
  readonly finished: readonly Pod[]
  readonly updated: readonly Pod[]
  readonly old: readonly Pod[]
  /** They still hold what they hold of the node. */
  readonly going: readonly Pod[]
}

function podsOf({ daemonSet, pods, leaving }: DaemonSetState): DaemonPods {
  const isGoing = (pod: Pod) => isTerminating(pod) || leaving.has(pod.metadata.uid ?? '')
  const active = pods.filter((pod) => isActive(pod) && !isGoing(pod))
  const hash = hashOf(daemonSet)
  const isUpdated = ({ metadata }: Pod) => metadata.labels?.[revisionHashLabel] === hash
  return {
    finished: pods.filter((pod) => isFinished(pod) && !isGoing(pod)),
    updated: active.filter(isUpdated),
    old: active.filter((pod) => !isUpdated(pod)),
    going: pods.filter(isGoing),
  }
}

const hashOf = ({ spec }: DaemonSet): string => nameOfValue(spec.template)

function planPods(state: DaemonSetState, { finished, updated, old, going }: DaemonPods): readonly DaemonSetAction[] {
  const { daemonSet } = state
  const remove = (pods: readonly Pod[]) => pods.map((pod) => ({ kind: 'deletePod', pod }) as const)
  if (!isForNode(daemonSet)) return remove([...finished, ...updated, ...old])
  const create = { kind: 'createPod', labels: { [revisionHashLabel]: hashOf(daemonSet) } } as const
  const surplus = remove([...finished, ...updated.slice(1)])
  if (old.length === 0 || daemonSet.spec.updateStrategy?.type === 'OnDelete') {
    const isFree = updated.length + old.length + going.length === 0
    return isFree ? [...surplus, create] : surplus
  }
  if (!maySurge(daemonSet)) return [...surplus, ...remove(old)]
  if (updated.length === 0) return [...surplus, create]
  return updated.some((pod) => isAvailableIn(state, pod)) ? [...surplus, ...remove(old)] : surplus
}

const isForNode = ({ spec }: DaemonSet): boolean =>
  Object.entries(spec.template.spec.nodeSelector ?? {}).every(([label, value]) => NODE_LABELS[label] === value)

/** Whether the newer pod may run beside the older one until it is available. */
function maySurge({ spec }: DaemonSet): boolean {
  const { maxSurge = 0 } = spec.updateStrategy?.rollingUpdate ?? {}
  return maxSurge !== 0 && maxSurge !== '0%'
}

const isAvailableIn = ({ daemonSet, now }: DaemonSetState, pod: Pod): boolean =>
  isAvailable(pod, daemonSet.spec.minReadySeconds ?? 0, now)

/** Kubernetes counts nodes, not pods. */
function countPods(state: DaemonSetState, { updated, old }: DaemonPods): Status {
  const { metadata } = state.daemonSet
  const isMeant = isForNode(state.daemonSet)
  const shown = isMeant ? (updated[0] ?? old[0]) : undefined
  const count = (condition: boolean) => (condition ? 1 : 0)
  const isShownAvailable = shown !== undefined && isAvailableIn(state, shown)
  return {
    desiredNumberScheduled: count(isMeant),
    currentNumberScheduled: count(shown !== undefined),
    numberMisscheduled: count(!isMeant && updated.length + old.length > 0),
    numberReady: count(shown !== undefined && isReady(shown)),
    updatedNumberScheduled: count(isMeant && updated.length > 0),
    numberAvailable: count(isShownAvailable),
    numberUnavailable: count(isMeant && !isShownAvailable),
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
  }
}

const isSameStatus = (status: Status, recorded: DaemonSet['status']): boolean =>
  canonicalJson(status) === canonicalJson(recorded)

function untilAvailable({ daemonSet, now }: DaemonSetState, { updated, old }: DaemonPods): number | undefined {
  const minReadyMs = (daemonSet.spec.minReadySeconds ?? 0) * 1_000
  const waits = [...updated, ...old].map((pod) => (readySince(pod) ?? Number.NaN) + minReadyMs - now)
  const coming = waits.filter((wait) => wait > 0)
  return coming.length === 0 ? undefined : Math.min(...coming)
}
