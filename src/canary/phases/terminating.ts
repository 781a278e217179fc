import { describeVersion } from '../../api/index.ts'
import { renderDuration } from '../../base/index.ts'
import { type Action, alert, type Decision, type Note, note } from '../decision.ts'
import { holdWith } from '../hold.ts'
import type { DeletionFacts, Observation, WorkloadFacts } from '../observation.ts'
import type { Cause } from '../reasons.ts'
import { enter } from '../run.ts'
import type { ReleaseState } from '../state.ts'
import { describeReadiness, describeTarget } from '../target.ts'
import { deadlineMsOf } from '../timing.ts'
import { canaryOnly, isSameTraffic, isServed, primaryOnly } from '../weights.ts'

/** Pods and EndpointSlices are not watched: they are looked at again after this time. */
const LOOK_AGAIN_MS = 250

interface GivingBack {
  readonly observation: Observation
  readonly deletion: DeletionFacts
  readonly target: WorkloadFacts
  /** This is the first pass since the Canary was deleted. */
  readonly isFirst: boolean
  /** The deadline has passed. */
  readonly isLate: boolean
}

/**
 * A deleted Canary gives the workload back before anything goes: pods first, then its traffic, and each only when the one
 * before it holds. The template is the user's: it serves as it is, promoted or not.
 */
export function terminating(recorded: ReleaseState, observation: Observation): Decision {
  const { deletion, target, canary } = observation
  if (deletion === undefined) return { next: recorded, actions: [], reason: recorded.cause, notes: [] }
  const name = describeTarget(canary)
  if (deletion.isNamespaceGoing) return letGo(recorded, observation, 'the namespace is being deleted')
  if (!canary.spec.revertOnDeletion)
    return letGo(recorded, observation, 'spec.revertOnDeletion is false: nothing is given back')
  if (target === undefined) return letGo(recorded, observation, `${name} is gone: nothing is given back`)
  if (observation.refusal?.reason === 'TargetClaimed') return letGo(recorded, observation, observation.refusal.message)
  const isFirst = recorded.phase !== 'Terminating'
  const isLate = !isFirst && observation.now - recorded.since >= deadlineMsOf(canary.spec)
  const giving: GivingBack = { observation, deletion, target, isFirst, isLate }
  if (giving.isFirst && isUntouched(giving)) return letGo(recorded, observation, `${name} was never taken over`)
  if (isGivenBack(giving)) return letGo(recorded, observation, `${name} serves by itself`)
  return giveBack(recorded, giving)
}

function letGo(recorded: ReleaseState, observation: Observation, message: string): Decision {
  const cause: Cause = { reason: 'Terminating', message }
  const next = enterTerminating(recorded, observation, cause)
  const toldBy = next.since + deadlineMsOf(observation.canary.spec)
  if (isAlertAwaited(observation) && observation.now < toldBy) return awaitAlerts(next, message, toldBy)
  return {
    next: { ...next, cause },
    // What goes with the namespace needs nobody to collect it.
    actions: [
      ...(observation.deletion?.isNamespaceGoing ? [] : [{ kind: 'hand-over' } as const]),
      { kind: 'remove-finalizer' },
    ],
    reason: cause,
    notes: [note('info', cause)],
  }
}

/** AlertProviders go with their namespace, so nobody could be told there. */
const isAlertAwaited = ({ deletion }: Observation): boolean =>
  deletion?.isAlertDue === true && !deletion.isNamespaceGoing

/** What was not delivered yet is on record beside the Canary, and a successor finds it there. */
function awaitAlerts(state: ReleaseState, message: string, wakeAt: number): Decision {
  const cause: Cause = { reason: 'Terminating', message: `${message}; its alerts are being delivered` }
  return { next: { ...state, cause, stalled: undefined }, actions: [], reason: cause, notes: [], wakeAt }
}

/** Whatever its pods do now, they do it without Sluice. */
const isUntouched = ({ deletion, target }: GivingBack): boolean =>
  (target.replicas > 0 || target.hasForeignPods === true) && deletion.apex !== 'held' && deletion.route === 'none'

const isGivenBack = ({ deletion, target, observation: { route } }: GivingBack): boolean =>
  target.isReady &&
  !isMiscounted({ deletion, target }) &&
  deletion.apex !== 'held' &&
  deletion.areEndpointsMoved &&
  (deletion.route === 'none' || (deletion.route === 'released' && route.isProgrammed))

const enterTerminating = (state: ReleaseState, { now }: Observation, cause: Cause): ReleaseState =>
  state.phase === 'Terminating' ? state : enter({ ...state, suspendedAt: undefined }, 'Terminating', now, cause)

function giveBack(recorded: ReleaseState, giving: GivingBack): Decision {
  const { observation, isFirst } = giving
  const announced = announcementOf(giving)
  const entered = enterTerminating(recorded, observation, announced)
  const held = holdBack(entered, giving)
  const state = held?.state ?? entered
  return {
    next: state,
    actions: planReturn(giving),
    reason: state.stalled ?? state.cause,
    notes: [...(isFirst ? [announce(giving, announced)] : []), ...(held?.notes ?? [])],
    wakeAt: wakeAt(state, giving),
  }
}

function announcementOf({ observation, target }: GivingBack): Cause {
  const { primary, canary } = observation
  const name = describeTarget(canary)
  const message = isUnpromoted(observation)
    ? `${name} gets its traffic back with ${describeVersion(target)}, which was not promoted: the primary runs ${primary && describeVersion(primary)}`
    : `${name} gets its traffic back`
  return { reason: 'Terminating', message }
}

const isUnpromoted = ({ primary, target }: Observation): boolean =>
  primary !== undefined && primary.revision !== target?.revision

const announce = ({ observation }: GivingBack, cause: Cause): Note =>
  isUnpromoted(observation) ? alert('warn', cause) : note('info', cause)

function holdBack(state: ReleaseState, giving: GivingBack) {
  const { canary } = giving.observation
  const { isLate } = giving
  const name = describeTarget(canary)
  const deadlineMs = deadlineMsOf(canary.spec)
  const pods = describePods(giving)
  if (isServing(giving)) {
    if (isLate) return holdWith(state, laggingCause(giving, renderDuration(deadlineMs)), 'stalled')
    return holdWith(state, { reason: 'Terminating', message: `moving traffic to ${name}` })
  }
  if (!isLate) return holdWith(state, { reason: 'Terminating', message: `waiting for ${name}: ${pods}` })
  const message = `${name} was not ready within ${renderDuration(deadlineMs)} (${pods}): what serves now stays until it is, or until it is deleted`
  return holdWith(state, { reason: 'ProgressDeadlineExceeded', message }, 'stalled')
}

function describePods(giving: GivingBack): string {
  const { target, deletion } = giving
  const ready = isDraining(giving) ? 0 : Math.min(target.readyReplicas, deletion.pods?.ready ?? target.readyReplicas)
  return describeReadiness({ ...target, readyReplicas: ready }, missingPods(giving))
}

function laggingCause(giving: GivingBack, within: string): Cause {
  const { canary, route } = giving.observation
  if (areEndpointsLate(giving)) {
    const message = `no Service led to ready pods of ${describeTarget(canary)} within ${within}: what serves now stays until one does`
    return { reason: 'ProgressDeadlineExceeded', message }
  }
  const message = `proxies did not take the route within ${within}: ${route.message ?? 'no proxy answered'}`
  return { reason: 'ProxiesLagging', message }
}

/** Traffic follows endpoints, and goes nowhere before there are some. */
const areEndpointsLate = ({ deletion }: GivingBack): boolean =>
  !deletion.areEndpointsReady || (deletion.apex !== 'held' && !deletion.areEndpointsMoved)

const isServing = (giving: GivingBack): boolean =>
  giving.target.isReady && !isMiscounted(giving) && planPods(giving).length === 0 && planResume(giving).length === 0

/** Fewer pods are ready than the status says. */
const isMiscounted = ({ deletion, target }: Pick<GivingBack, 'deletion' | 'target'>): boolean =>
  deletion.pods !== undefined && deletion.pods.ready < target.readyReplicas

/**
 * Scaled down, but not all pods were told to go yet: those that live would pass for the new ones until they are. Pods
 * that stay past the deadline are none of these.
 */
const isDraining = ({ deletion, target, isLate }: GivingBack): boolean =>
  !isLate && target.replicas === 0 && deletion.pods !== undefined && deletion.pods.all > 0

/** One thing after the other; what waits for the world plans nothing. */
function planReturn(giving: GivingBack): readonly Action[] {
  if (!isServing(giving))
    return [...planFollowing(giving), ...planResume(giving), ...planPods(giving), ...planRetreat(giving)]
  const { deletion, observation } = giving
  const isRouteBehind = deletion.route === 'held' && !isServed(observation.route, canaryOnly)
  if (isRouteBehind || deletion.apex === 'held') return planMove(giving, isRouteBehind)
  if (!deletion.areEndpointsMoved) return []
  return deletion.route === 'held' ? [{ kind: 'release-route' }] : []
}

/** Users are led to the workload's pods where there are some to be led to: first by the route, then by the apex Service. */
function planMove({ deletion, observation }: GivingBack, isByRoute: boolean): readonly Action[] {
  const { route, services } = observation
  if ((isByRoute || !deletion.areEndpointsReady) && !services.areBackendsReady)
    return [{ kind: 'apply-services', withApex: false }]
  if (!deletion.areEndpointsReady) return []
  if (!isByRoute) return [{ kind: 'release-apex' }]
  return isSameTraffic(route.traffic, canaryOnly) && route.isCurrent ? [] : [{ kind: 'route', traffic: canaryOnly }]
}

/** A Service's new version is ready where the copy of the Service leads to it. */
const planFollowing = ({ observation, target }: GivingBack): readonly Action[] =>
  target.hasForeignPods && !observation.services.areBackendsReady ? [{ kind: 'apply-services', withApex: false }] : []

const planResume = ({ observation }: GivingBack): readonly Action[] =>
  observation.autoscaler?.isPaused ? [{ kind: 'pause-autoscaler', paused: false }] : []

function planPods(giving: GivingBack): readonly Action[] {
  const replicas = missingPods(giving)
  return replicas === undefined || isDraining(giving) ? [] : [{ kind: 'scale-target', replicas }]
}

/** Raised once: from then on the number is the user's again, or an autoscaler's. */
function missingPods({ observation, target, isFirst }: GivingBack): number | undefined {
  if (target.hasForeignPods) return undefined
  const wanted = Math.max(1, observation.primary?.replicas ?? 1)
  const isShort = target.replicas === 0 || (isFirst && target.replicas < wanted)
  return isShort ? wanted : undefined
}

/** The workload lost its pods on the way: users go back to the primary while that has some. */
function planRetreat({ observation, deletion, target }: GivingBack): readonly Action[] {
  const { primary, route } = observation
  const readyPods = deletion.pods?.ready ?? target.readyReplicas
  if (readyPods > 0 || (primary?.readyReplicas ?? 0) === 0) return []
  const isOnPrimary = deletion.route === 'none' || isSameTraffic(route.traffic, primaryOnly)
  return [
    ...(deletion.apex === 'released' ? [{ kind: 'apply-services', withApex: true } as const] : []),
    ...(isOnPrimary ? [] : [{ kind: 'route', traffic: primaryOnly } as const]),
  ]
}

function wakeAt(state: ReleaseState, giving: GivingBack): number | undefined {
  const { now, canary } = giving.observation
  const isBehind = isServing(giving) ? areEndpointsLate(giving) : isDraining(giving) || isMiscounted(giving)
  if (isBehind) return now + LOOK_AGAIN_MS
  const deadline = state.since + deadlineMsOf(canary.spec)
  return deadline > now ? deadline : undefined
}
