import type { MetricVerdict } from '../api/index.ts'
import { alert, type Change, note } from './decision.ts'
import { failed } from './ending.ts'
import type { HookAnswer, Observation } from './observation.ts'
import { checkDueAt } from './questions.ts'
import type { Cause } from './reasons.ts'
import { currentStep, updateStep, withProgress } from './run.ts'
import type { ActiveRelease, CheckResult } from './state.ts'
import { deadlineMsOf } from './timing.ts'
import { isServed, trafficOf } from './weights.ts'

const VERDICTS_KEPT = 50

export interface Judgement {
  readonly result: CheckResult
  readonly message: string
}

/** One failure fails; else one missing answer holds; only a full set of passes passes. */
export function judge(verdicts: readonly MetricVerdict[], hooks: readonly HookAnswer[]): Judgement {
  const bad = [
    ...verdicts.filter(({ state }) => state === 'failed').map(({ message }) => message),
    ...hooks.filter(({ ok }) => !ok).map(({ message }) => message),
  ]
  if (bad.length > 0) return { result: 'failed', message: bad.join('; ') }
  const missing = verdicts.filter(({ state }) => state !== 'passed').map(({ message }) => message)
  if (missing.length > 0) return { result: 'missing', message: missing.join('; ') }
  return { result: 'passed', message: verdicts.map(({ message }) => message).join('; ') }
}

/** Takes the answer of the check that was due; undefined when none was. */
export function takeCheck(state: ActiveRelease, observation: Observation): Change | undefined {
  const { check } = observation.answers
  const dueAt = checkDueAt(state, observation)
  if (check === undefined || dueAt === undefined || dueAt > observation.now) return undefined
  const judgement = judge(check.verdicts, check.hooks)
  const noted = noteVerdicts(state, check.verdicts)
  switch (judgement.result) {
    case 'failed':
      return countFailure(noted, observation, judgement.message)
    case 'inconclusive':
    case 'missing':
      return holdWithoutVerdict(noted, observation, judgement.message)
    case 'passed':
      return { state: countPass(noted, observation, judgement.message), notes: [] }
    default:
      return judgement.result satisfies never
  }
}

const noteVerdicts = (state: ActiveRelease, verdicts: readonly MetricVerdict[]): ActiveRelease =>
  updateStep(state, (step) => ({ ...step, verdicts: [...step.verdicts, ...verdicts].slice(-VERDICTS_KEPT) }))

function countPass(release: ActiveRelease, observation: Observation, message: string): ActiveRelease {
  const { now } = observation
  const cause: Cause = { reason: 'Progressing', message: `the last check passed: ${message || 'nothing was asked'}` }
  const state = isTroubled(release) || release.phase === 'Progressing' ? { ...release, cause } : release
  // A pass that was measured while pods were missing or the route was another one says nothing of the next weight.
  if (!isSteady(state, observation))
    return withProgress(state, { checkedAt: now, verdictAt: now, lastCheck: 'missing' })
  const iterations = state.run.progress.iterations + 1
  return withProgress(state, { checkedAt: now, verdictAt: now, lastCheck: 'passed', iterations })
}

function isSteady(state: ActiveRelease, { target, route }: Observation): boolean {
  const step = currentStep(state)
  return target?.isReady === true && step !== undefined && isServed(route, trafficOf(step))
}

const isTroubled = ({ cause }: ActiveRelease): boolean => cause.reason === 'CheckFailed' || cause.reason === 'NoVerdict'

/** Counts a failed check, and rolls back when the threshold is reached. */
export function countFailure(state: ActiveRelease, observation: Observation, message: string): Change {
  const { now, canary } = observation
  const failedChecks = state.run.progress.failedChecks + 1
  const { threshold } = canary.spec.analysis
  const counted = withProgress(state, { checkedAt: now, verdictAt: now, lastCheck: 'failed', failedChecks })
  const numbers = `${message} (failed check ${failedChecks} of ${threshold})`
  if (failedChecks >= threshold) return failed(counted, observation, { reason: 'ThresholdReached', message: numbers })
  const cause: Cause = { reason: 'CheckFailed', message: numbers }
  return { state: { ...counted, cause }, notes: [note('warn', cause)] }
}

function holdWithoutVerdict(state: ActiveRelease, observation: Observation, message: string): Change {
  const { now, canary } = observation
  const since = state.run.progress.verdictAt ?? state.since
  const deadlineMs = deadlineMsOf(canary.spec)
  if (now - since >= deadlineMs) {
    const late = `no verdict within ${deadlineMs / 1_000} s: ${message}`
    return failed(state, observation, { reason: 'NoVerdictInTime', message: late })
  }
  const cause: Cause = { reason: 'NoVerdict', message: `holds without a verdict: ${message}` }
  const isNew = state.run.progress.lastCheck !== 'missing'
  const held = withProgress(state, { checkedAt: now, lastCheck: 'missing' })
  return { state: { ...held, cause }, notes: isNew ? [alert('warn', cause)] : [] }
}
