import { canaryFinalizer, gatesAnnotation } from '../api/index.ts'
import { planAutoscaler } from './autoscaler.ts'
import { commandAnnotations } from './commands.ts'
import type { Action } from './decision.ts'
import type { Observation, Traffic, WorkloadFacts } from './observation.ts'
import { scalesDownAfterPromotion } from './phases/finalising.ts'
import { scalesDown } from './phases/withdrawing.ts'
import { surplusRuns } from './run.ts'
import { type ActiveRelease, type Beginning, isActive, type ReleaseState } from './state.ts'
import { wantedTraffic } from './wanted-traffic.ts'
import { isSameTraffic, isServed, primaryOnly } from './weights.ts'

/** One run is being made beside them: ten are kept. */
const RUNS_KEPT = 9

/**
 * What must be done so that the world is as the next state wants it. It compares, so what is done already is not done
 * again, and what somebody undid is mended.
 */
export function planActions(recorded: ReleaseState, next: ReleaseState, observation: Observation): readonly Action[] {
  if (next.phase === '') return []
  return [
    ...planFinalizer(observation),
    ...planPrimary(recorded, next, observation),
    ...planServices(next, observation),
    ...planRoute(recorded, next, observation),
    ...planAutoscaler(next, observation, isGivingUpPods(next, observation)),
    ...planReplicas(recorded, next, observation),
    ...planCopies(next, observation),
    ...planRuns(recorded, next, observation),
    ...planCommands(recorded, observation),
  ]
}

/** Before anything is taken from the workload it is on record that it must be given back. */
const planFinalizer = ({ canary }: Observation): readonly Action[] =>
  canary.metadata.finalizers?.includes(canaryFinalizer) ? [] : [{ kind: 'add-finalizer' }]

function planPrimary(recorded: ReleaseState, next: ReleaseState, { primary, target }: Observation): readonly Action[] {
  if (target === undefined) return []
  const { revision } = target
  if (primary === undefined)
    return mayMakePrimary(recorded, next, revision) ? [{ kind: 'create-primary', revision }] : []
  if (primary.isUnmarked) return [{ kind: 'adopt-primary' }]
  if (primary.revision === revision) return []
  // A first version that does not start may be mended before there is anything to compare it with.
  const isFirst = next.phase === 'Initializing' && !primary.isReady
  return isFirst || isPromoted(recorded, next, revision) ? [{ kind: 'update-primary', revision }] : []
}

/** Never from a template that was not analysed, but for the first one. */
const mayMakePrimary = (recorded: ReleaseState, next: ReleaseState, revision: string): boolean =>
  next.phase === 'Initializing' || revision === next.lastPromotedSpec || isPromoted(recorded, next, revision)

/** The promotion was recorded in an earlier pass: a crash between the two can not lose that it began. */
const isPromoted = (recorded: ReleaseState, next: ReleaseState, revision: string): boolean =>
  recorded.phase === 'Promoting' && next.phase === 'Promoting' && isActive(next) && isSameRevision(next, revision)

const isSameRevision = (state: ActiveRelease, revision: string): boolean =>
  state.run.revision === revision && state.run.progress.ending === undefined

function planServices(next: ReleaseState, { services, primary }: Observation): readonly Action[] {
  const isFirst = next.phase === 'Initializing'
  // The apex Service serves the workload's own pods until the first primary can.
  const withApex = !isFirst || primary?.isReady === true
  const isDone = services.areBackendsReady && (services.isApexReady || !withApex)
  return isDone ? [] : [{ kind: 'apply-services', withApex }]
}

function planRoute(recorded: ReleaseState, next: ReleaseState, observation: Observation): readonly Action[] {
  const traffic = wantedTraffic(next, observation)
  const { route } = observation
  if (traffic === undefined || (isSameTraffic(route.traffic, traffic) && route.isCurrent)) return []
  // A share rises only when the verdict that lets it is on record, or a crash would take it back; it falls at once.
  const isOnRecord = isSameTraffic(wantedTraffic(recorded, observation), traffic) || isStepOf(recorded, next)
  return isRaise(route.traffic, traffic) && !isOnRecord ? [] : [{ kind: 'route', traffic }]
}

/** The steps of a run are on its record before the route is written. */
const isStepOf = (recorded: ReleaseState, next: ReleaseState): boolean =>
  recorded.run?.name === next.run?.name && recorded.phase === 'Progressing' && next.phase === 'Progressing'

const isRaise = (from: Traffic | undefined, to: Traffic): boolean =>
  to.canary > (from?.canary ?? 0) || to.mirror > (from?.mirror ?? 0) || (isToAll(to) && !isToAll(from))

/** A share of all requests is more than the same share of those that match. */
const isToAll = (traffic: Traffic | undefined): boolean => (traffic?.canary ?? 0) > 0 && !traffic?.matching

function planReplicas(recorded: ReleaseState, next: ReleaseState, observation: Observation): readonly Action[] {
  const { target } = observation
  if (target === undefined || target.hasForeignPods) return []
  const wanted = isSetBack(recorded, next, target) ? 0 : wantedReplicas(next, observation, target)
  return wanted === undefined || wanted === target.replicas ? [] : [{ kind: 'scale-target', replicas: wanted }]
}

const isGivingUpPods = (next: ReleaseState, observation: Observation): boolean =>
  observation.target !== undefined && wantedReplicas(next, observation, observation.target) === 0

/** Pods that `failurePolicy` kept of a version that failed have no use once the workload is what the primary runs. */
const isSetBack = (recorded: ReleaseState, next: ReleaseState, target: WorkloadFacts): boolean =>
  recorded.phase === 'Failed' && next.phase === 'Initialized' && target.revision === next.lastPromotedSpec

/** Undefined leaves the number to whoever set it. */
function wantedReplicas(next: ReleaseState, observation: Observation, target: WorkloadFacts): number | undefined {
  if (isLeaving(next, observation)) return isServed(observation.route, primaryOnly) ? 0 : undefined
  if (!isActive(next) || next.run.progress.ending) return undefined
  const scalesUp = next.phase === 'Progressing' && next.run.progress.readyAt === undefined && target.replicas === 0
  return scalesUp ? firstReplicas(observation) : undefined
}

/** An autoscaler makes more of its fewest pods by itself; without one the workload gets as many as the primary has. */
const firstReplicas = ({ autoscaler, primary }: Observation): number =>
  Math.max(1, autoscaler?.minReplicas ?? primary?.replicas ?? 1)

/** The workload's pods have done their part, as soon as no request goes to them. */
function isLeaving(next: ReleaseState, observation: Observation): boolean {
  const { services, primary } = observation
  if (next.phase === 'Initializing') return services.isApexReady && primary?.isReady === true
  if (!isActive(next)) return false
  const { ending } = next.run.progress
  if (ending) return scalesDown(next, observation, ending)
  return next.phase === 'Finalising' && primary?.isReady === true && scalesDownAfterPromotion(next, observation)
}

/** Until the primary has rolled out, its former pods may be started again with what they read. */
const planCopies = (next: ReleaseState, { hasSurplusCopies, primary }: Observation): readonly Action[] =>
  hasSurplusCopies && !isActive(next) && primary?.isReady ? [{ kind: 'delete-copies' }] : []

const beginnings: readonly Beginning[] = ['recovering', 'returning']

function planRuns(recorded: ReleaseState, next: ReleaseState, { runs }: Observation): readonly Action[] {
  const { run } = next
  if (run === undefined || run.name === recorded.run?.name) return []
  const others = runs.filter(({ name }) => name !== run.name)
  const { name, revision, images, previousImages, startedAt, progress } = run
  const beginning = beginnings.find((each) => progress[each] === true)
  return [
    { kind: 'create-run', run: { name, revision, images, previousImages, startedAt, ...(beginning && { beginning }) } },
    ...surplusRuns(others, RUNS_KEPT).map((surplus): Action => ({ kind: 'delete-run', name: surplus })),
  ]
}

/** A command that was recorded is taken off, and gates with the run they were set for, so that the same revision can be tried again. */
function planCommands(recorded: ReleaseState, { canary }: Observation): readonly Action[] {
  const { run } = recorded
  if (run === undefined) return []
  const { command } = run.progress
  const { annotations = {} } = canary.metadata
  const done = command === undefined ? [] : [commandAnnotations[command]]
  const over = run.outcome === 'Running' ? [] : [gatesAnnotation]
  const isMeant = (annotation: string) => annotations[annotation]?.split(' ')[0] === run.revision
  return [...done, ...over].filter(isMeant).map((annotation) => ({ kind: 'clear-command', annotation }))
}
