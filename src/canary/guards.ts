import { describeVersion } from '../api/index.ts'
import { takeAlarm } from './alarm.ts'
import { commandFor } from './commands.ts'
import { podsDoNotCrash } from './crashes.ts'
import type { Change } from './decision.ts'
import { failed, superseded } from './ending.ts'
import type { Observation, Traffic, WorkloadFacts } from './observation.ts'
import { rollbackDueAt } from './questions.ts'
import type { Cause } from './reasons.ts'
import { currentStep, withProgress } from './run.ts'
import type { ActiveRelease } from './state.ts'
import { describeReadiness, describeTarget } from './target.ts'
import { deadlineMsOf } from './timing.ts'

type Guard = (state: ActiveRelease, observation: Observation) => Change | undefined

/** What ends or changes a run between its checks, most urgent first: the first guard that speaks decides. */
const guards: readonly Guard[] = [
  targetIsThere,
  revisionIsNewest,
  isNotAborted,
  isNotToRollBack,
  trafficWasNotLowered,
  workloadGoesOn,
  podsAreThere,
  podsDoNotCrash,
  readinessIsInTime,
  promotionIsNoted,
  takeAlarm,
]

export function guard(state: ActiveRelease, observation: Observation): Change | undefined {
  for (const each of guards) {
    const change = each(state, observation)
    if (change) return change
  }
  return undefined
}

function targetIsThere(state: ActiveRelease, observation: Observation): Change | undefined {
  if (observation.target) return undefined
  return failed(state, observation, targetNotFound(observation))
}

export const targetNotFound = (observation: Observation): Cause => ({
  reason: 'TargetNotFound',
  message: `${describeTarget(observation.canary)} does not exist: create it or correct spec.targetRef.name`,
})

function revisionIsNewest(state: ActiveRelease, observation: Observation): Change | undefined {
  const { target } = observation
  if (target === undefined || target.revision === state.run.revision) return undefined
  return superseded(state, observation, newerRevision(state, observation, target))
}

export function newerRevision(state: ActiveRelease, observation: Observation, newer: WorkloadFacts): Cause {
  const { revision } = newer
  const isRevert = revision === state.lastPromotedSpec && observation.primary?.revision === revision
  if (isRevert) {
    return {
      reason: 'Reverted',
      message: `the workload was set back to ${describeVersion(newer)}, which the primary runs`,
    }
  }
  return { reason: 'Superseded', message: `${describeVersion(newer)} replaces ${describeVersion(state.run)}` }
}

function isNotAborted(state: ActiveRelease, observation: Observation): Change | undefined {
  if (commandFor(state, observation) !== 'abort') return undefined
  const aborted = withProgress(state, { command: 'abort' })
  return failed(aborted, observation, {
    reason: 'Aborted',
    message: `an operator aborted ${describeVersion(state.run)}`,
  })
}

/** Any webhook of type `rollback` that agrees ends the run. */
export function isNotToRollBack(state: ActiveRelease, observation: Observation): Change | undefined {
  const answer = rollbackAnswer(state, observation)
  if (answer === undefined) return undefined
  const asked = withProgress(state, { rollbackAskedAt: observation.now })
  return answer.cause ? failed(asked, observation, answer.cause) : { state: asked, notes: [] }
}

/** Undefined while the hooks were not due or not asked; without a cause where none of them agreed. */
export function rollbackAnswer(state: ActiveRelease, observation: Observation): { readonly cause?: Cause } | undefined {
  const { rollback } = observation.answers
  if (rollback === undefined || rollbackDueAt(state, observation) > observation.now) return undefined
  const agreed = rollback.hooks.find(({ ok }) => ok)
  if (agreed === undefined) return {}
  return {
    cause: { reason: 'RollbackRequested', message: `${agreed.message}: ${describeVersion(state.run)} is taken back` },
  }
}

/** Whoever takes traffic off the new version means it: it does not come back without a new verdict. */
function trafficWasNotLowered(state: ActiveRelease, observation: Observation): Change | undefined {
  const step = currentStep(state)
  const weight = shareOf(observation.route.traffic, step?.kind === 'match')
  if (step?.programmedAt === undefined || weight >= step.weight) return undefined
  const message = `the route was set to weight ${weight} by somebody else while ${describeVersion(state.run)} had ${step.weight}`
  return failed(state, observation, { reason: 'TrafficLowered', message })
}

/** A share of the requests that match is none of all requests. */
const shareOf = (traffic: Traffic | undefined, isMatchStep: boolean): number =>
  traffic === undefined || (traffic.matching && !isMatchStep) ? 0 : traffic.canary

function workloadGoesOn(state: ActiveRelease, observation: Observation): Change | undefined {
  const { failure, isReady = false } = observation.target ?? {}
  // A condition that is older than the run speaks of an earlier revision; and it is for all pods, of which fewer may do.
  if (failure === undefined || failure.at < state.run.startedAt || isReady) return undefined
  return failed(state, observation, { reason: 'ProgressDeadlineExceeded', message: failure.message })
}

function podsAreThere(state: ActiveRelease, observation: Observation): Change | undefined {
  const weight = currentStep(state)?.weight ?? 0
  if (weight === 0 || (observation.target?.readyReplicas ?? 0) > 0) return undefined
  const message = `no pod of ${describeVersion(state.run)} is ready at weight ${weight}`
  return failed(state, observation, { reason: 'CanaryNotReady', message })
}

function readinessIsInTime(state: ActiveRelease, observation: Observation): Change | undefined {
  const { now, target } = observation
  const { readyAt, unreadyAt } = state.run.progress
  if (target?.isReady) return becomeReady(state, now)
  if (unreadyAt === undefined && readyAt !== undefined) {
    return { state: withProgress(state, { unreadyAt: now }), notes: [] }
  }
  const deadlineMs = deadlineMsOf(observation.canary.spec)
  if (now - (unreadyAt ?? state.since) < deadlineMs) return undefined
  const message = `${describeVersion(state.run)} was not ready within ${deadlineMs / 1_000} s: ${describeReadiness(target)}`
  return failed(state, observation, { reason: 'ProgressDeadlineExceeded', message })
}

function becomeReady(state: ActiveRelease, now: number): Change | undefined {
  const { readyAt, unreadyAt } = state.run.progress
  if (readyAt !== undefined && unreadyAt === undefined) return undefined
  return { state: withProgress(state, { readyAt: readyAt ?? now, unreadyAt: undefined }), notes: [] }
}

function promotionIsNoted(state: ActiveRelease, observation: Observation): Change | undefined {
  const { command } = state.run.progress
  if (command !== undefined || commandFor(state, observation) !== 'promote') return undefined
  return { state: withProgress(state, { command: 'promote' }), notes: [] }
}
