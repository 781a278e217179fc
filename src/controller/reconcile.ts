import type { Canary, CanaryRun } from '../api/index.ts'
import {
  type Decision,
  decide,
  isInProgress,
  type Observation,
  questionsFor,
  type ReleaseState,
  restoreState,
  type Traffic,
} from '../canary/index.ts'
import type { WorkOutcome } from '../kube/index.ts'
import type { Clock, Logger } from '../runtime/index.ts'
import { type AnnounceOptions, announce } from './announce.ts'
import type { BackgroundAnswers } from './background-answers.ts'
import { observeCrashes } from './crashes.ts'
import { keyOf, parseKey } from './enqueue.ts'
import { hasFinalizer, isDeleted } from './finalizer.ts'
import { observeDeletion } from './give-back.ts'
import { type GroupOptions, observeGroup } from './group.ts'
import type { Guard } from './guard.ts'
import type { ControllerMetrics } from './metrics.ts'
import { type Gathered, gather, type ObserveOptions, runsOf } from './observe.ts'
import { isAlertDue, noticesOf, owedBy } from './owed-notices.ts'
import { parseCanary, parseDeleted } from './parse-canary.ts'
import { type PerformOptions, perform } from './perform.ts'
import { recordCanary, recordRun } from './record.ts'
import { refuseInvalid } from './refuse-invalid.ts'
import { isRefused, keepRefusal, tellOfRefusal } from './refused-request.ts'
import type { Retelling } from './retell.ts'
import { refuseStale } from './staleness.ts'

export interface ReconcileOptions
  extends ObserveOptions,
    PerformOptions,
    AnnounceOptions,
    Omit<GroupOptions, 'copies'> {
  readonly background: BackgroundAnswers
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: ControllerMetrics
  readonly retelling: Retelling
  /** Absent where nothing is watched between checks. */
  readonly guard?: Pick<Guard, 'suspicionOf' | 'settle'> | undefined
}

/** One pass: observe, decide, perform, record, move traffic, and only then tell. */
export async function reconcile(options: ReconcileOptions, key: string, signal: AbortSignal): Promise<WorkOutcome> {
  const object = options.copies.canaries.get(parseKey(key))
  if (object === undefined || isLeftToOthers(object)) return {}
  const parsed = isDeleted(object) ? parseDeleted(object) : parseCanary(object)
  if (!parsed.ok) return refuseInvalid(options, object, parsed.error)
  try {
    return await runPass(options, parsed.value, signal)
  } catch (error) {
    await tellOfRefusal(options, parsed.value, error)
    throw error
  }
}

async function runPass(options: ReconcileOptions, canary: Canary, signal: AbortSignal): Promise<WorkOutcome> {
  const run = findRun(options, canary)
  const recorded = restoreState(canary, run)
  await options.retelling.ensure(canary, recorded, options.clock.now())
  const gathered = await gather(options, canary, options.clock.now())
  const answers = takeAnswers(options, gathered, { recorded, run }, signal)
  const observed: Observation = {
    ...gathered.observation,
    answers,
    ...(await observeDeletion(options, gathered, isAlertOwed(options, canary, recorded))),
    ...(await observeCrashes(options, gathered, recorded)),
  }
  await refuseStale(options, gathered, run)
  // From here to the decision nothing is waited for: two that take the last place at once would both have it.
  const observation = { ...observed, group: observeGroup(options, canary, recorded) }
  const decision = decide(recorded, observation)
  if (isInProgress(decision.next) && !isInProgress(recorded)) options.turns.take(canary)
  for (const action of decision.actions) if (action.kind !== 'route') await perform(options, gathered, action)
  await conclude(options, { canary, run, recorded, observation, decision, gathered })
  return { requeueAfterMs: requeueAfter(recorded, decision, gathered) }
}

const isAlertOwed = ({ copies, outbox }: ReconcileOptions, canary: Canary, recorded: ReleaseState): boolean =>
  isAlertDue(canary, recorded, { runs: runsOf(copies, canary), isSettled: outbox.isSettled })

/** Nothing of a deleted Canary is done or written unless it waits for Sluice. */
const isLeftToOthers = (canary: Canary): boolean => isDeleted(canary) && !hasFinalizer(canary)

function findRun({ copies }: ReconcileOptions, canary: Canary): CanaryRun | undefined {
  const name = canary.status?.runName
  return name === undefined ? undefined : copies.runs.get({ namespace: canary.metadata.namespace, name })
}

/** Asked in the background: a newer revision or an operator does not wait for a receiver that hangs. */
function takeAnswers(
  options: ReconcileOptions,
  { observation }: Gathered,
  { recorded: state, run }: { readonly recorded: ReleaseState; readonly run: CanaryRun | undefined },
  signal: AbortSignal,
): Observation['answers'] {
  const { canary } = observation
  const key = keyOf(canary)
  const suspicion = options.guard?.suspicionOf(key)
  const alarm = suspicion && { run: suspicion.run, since: suspicion.sinceMs }
  const group = observeGroup(options, canary, state)
  const questions = questionsFor(state, { ...observation, alarm, group })
  const answers = options.background.take(key, { observation, questions, state, run: run && identityOf(run) }, signal)
  if (!answers.pending?.includes('alarm')) options.guard?.settle(key, suspicion)
  options.metrics.verdicts(canary, answers.check?.verdicts ?? [])
  return answers
}

const identityOf = ({ metadata }: CanaryRun) => ({ name: metadata.name, uid: metadata.uid ?? '' })

interface Pass {
  readonly canary: Canary
  readonly run: CanaryRun | undefined
  readonly recorded: ReleaseState
  readonly observation: Observation
  readonly decision: Decision
  readonly gathered: Gathered
}

/** What is on record and failed before it was told is told by the next pass. */
async function conclude(options: ReconcileOptions, pass: Pass): Promise<void> {
  let isTold = false
  try {
    isTold = await recordAndTell(options, pass)
  } finally {
    if (!isTold) options.retelling.forget(pass.canary)
  }
}

/** False where something could not be told. */
async function recordAndTell(options: ReconcileOptions, pass: Pass): Promise<boolean> {
  const { canary, run, recorded, observation, decision } = pass
  const { notes, actions } = decision
  const next = keepRefusal(recorded, decision)
  const traffic = (isRefused(next) ? undefined : writtenTraffic(decision)) ?? observation.route.traffic
  const isGone = actions.some(({ kind }) => kind === 'remove-finalizer')
  const added = noticesOf({ canary, state: next, notes, weight: traffic?.canary ?? 0, now: observation.now })
  const owed = owedBy(canary, recorded, run)
  const notices = { owed, added, isSettled: options.outbox.isSettled }
  const outcome = { next, run, observation, traffic, notices }
  // Traffic follows the record: whoever takes over after a crash goes on from what was decided, and never back.
  const wroteRun = !isGone && (await recordRun(options, outcome))
  // Where the release stands is on its run, so what people read of it may come after the traffic.
  if (wroteRun) await moveTraffic(options, pass)
  const wroteCanary = !isGone && (await recordCanary(options, outcome))
  options.turns.settle(canary)
  if (!wroteRun) await moveTraffic(options, pass)
  options.metrics.observe(canary, next, traffic)
  if (recorded.run?.outcome === 'Running' && next.run?.outcome !== 'Running') options.metrics.ended(canary, next)
  if (wroteRun || wroteCanary || actions.length > 0) logDecision(options.log, canary, decision, traffic)
  const announcement = { canary, state: next, notes, notices: [...owed, ...added], now: observation.now }
  return announce(options, announcement)
}

async function moveTraffic(options: ReconcileOptions, { decision, gathered }: Pass): Promise<void> {
  for (const action of decision.actions) if (action.kind === 'route') await perform(options, gathered, action)
}

function writtenTraffic({ actions }: Decision): Traffic | undefined {
  const route = actions.find((action) => action.kind === 'route')
  return route?.traffic
}

function logDecision(
  log: Logger,
  canary: Canary,
  { next, actions, reason }: Decision,
  traffic: Traffic | undefined,
): void {
  const fields = {
    canary: `${canary.metadata.namespace}/${canary.metadata.name}`,
    phase: next.phase,
    reason: reason.reason,
    weight: traffic?.canary ?? 0,
    mirror: traffic?.mirror ?? 0,
    revision: next.run?.revision ?? next.lastAppliedSpec,
    actions: actions.map(({ kind }) => kind),
  }
  log.info(fields, reason.message)
}

/** Own writes wake nobody: a refusal that was overcome is taken back by a pass that finds nothing left to do. */
const REFUSAL_OVER_MS = 1_000

function requeueAfter(
  recorded: ReleaseState,
  decision: Decision,
  { observation, route }: Gathered,
): number | undefined {
  const { wakeAt } = decision
  const waits = [
    wakeAt === undefined ? undefined : wakeAt - observation.now,
    route.programmed ? undefined : route.lookAgainInMs,
    isRefused(keepRefusal(recorded, decision)) ? REFUSAL_OVER_MS : undefined,
  ]
  const known = waits.filter((wait) => wait !== undefined)
  return known.length === 0 ? undefined : Math.max(0, Math.min(...known))
}
