import type { MetricVerdict } from '../api/index.ts'
import { alert, type Change, note } from './decision.ts'
import { failedByEvidence } from './ending.ts'
import type { CheckedMetric, HookAnswer, Observation } from './observation.ts'
import { checkDueAt } from './questions.ts'
import type { Cause, Reason } from './reasons.ts'
import { currentStep, updateStep, withProgress } from './run.ts'
import type { ActiveRelease, CheckResult } from './state.ts'
import { deadlineMsOf } from './timing.ts'
import { isServed, trafficOf } from './weights.ts'

const VERDICTS_KEPT = 50

/** A check that failed beyond doubt ends the run, whatever its threshold. */
type Result = CheckResult | 'rollback'

export interface Judgement {
  readonly result: Result
  readonly message: string
}

type VerdictDecision = NonNullable<MetricVerdict['decision']>

/** One failure fails; else one missing answer holds, and one doubt; only a full set of passes passes. */
export function judge(verdicts: readonly MetricVerdict[], hooks: readonly HookAnswer[]): Judgement {
  const decided = (decision: VerdictDecision) => verdicts.filter((verdict) => decisionOf(verdict) === decision)
  const final = decided('rollback')
  if (final.length > 0) return { result: 'rollback', message: messagesOf(final) }
  const bad = [...decided('fail'), ...hooks.filter(({ ok }) => !ok)]
  if (bad.length > 0) return { result: 'failed', message: messagesOf(bad) }
  const held = decided('hold')
  if (held.length === 0) return { result: 'passed', message: messagesOf(decided('pass')) }
  const isDoubt = held.every(({ state }) => state === 'inconclusive')
  return { result: isDoubt ? 'inconclusive' : 'missing', message: messagesOf(held) }
}

function decisionOf({ decision, state }: MetricVerdict): VerdictDecision {
  if (decision !== undefined) return decision
  if (state === 'passed') return 'pass'
  return state === 'failed' ? 'fail' : 'hold'
}

const messagesOf = (said: readonly { readonly message: string }[]): string =>
  said.map(({ message }) => message).join('; ')

/** Takes the answer of the check that was due; undefined when none was. */
export function takeCheck(state: ActiveRelease, observation: Observation): Change | undefined {
  const { check } = observation.answers
  const dueAt = checkDueAt(state, observation)
  if (check === undefined || dueAt === undefined || dueAt > observation.now) return undefined
  const { result, message } = judge(check.verdicts, check.hooks)
  const noted = noteVerdicts(state, check.verdicts)
  switch (result) {
    case 'rollback':
      return failAtOnce(noted, observation, message)
    case 'failed':
      return countFailure(noted, observation, message)
    case 'inconclusive':
      return holdInDoubt({ before: state, noted }, observation, message)
    case 'missing':
      return holdWithoutVerdict(noted, observation, message)
    case 'passed':
      return { state: countPass(noted, observation, message), notes: [] }
    default:
      return result satisfies never
  }
}

/** Verdicts go to the step; what must be remembered of their metrics goes on through the run. */
export function noteVerdicts(state: ActiveRelease, checked: readonly CheckedMetric[]): ActiveRelease {
  const verdicts = checked.map(({ memory: _, ...verdict }) => verdict)
  const noted = updateStep(state, (step) => ({
    ...step,
    verdicts: [...step.verdicts, ...verdicts].slice(-VERDICTS_KEPT),
  }))
  const memories = checked.flatMap(({ memory }) => memory ?? [])
  if (memories.length === 0) return noted
  const others = (state.run.progress.metrics ?? []).filter(
    ({ metric }) => !memories.some((memory) => memory.metric === metric),
  )
  return withProgress(noted, { metrics: [...others, ...memories] })
}

export const failAtOnce = (state: ActiveRelease, observation: Observation, message: string): Change =>
  failedByEvidence(withFailure(state, observation), observation, { reason: 'MetricFailed', message })

function withFailure(state: ActiveRelease, { now }: Observation): ActiveRelease {
  const failedChecks = state.run.progress.failedChecks + 1
  return withProgress(state, { checkedAt: now, verdictAt: now, lastCheck: 'failed', failedChecks })
}

function countPass(release: ActiveRelease, observation: Observation, message: string): ActiveRelease {
  const { now } = observation
  const cause: Cause = { reason: 'Progressing', message: `the last check passed: ${message || 'nothing was asked'}` }
  const isTold = isTroubled(release) || (release.phase === 'Progressing' && !isWaiting(release))
  const state = isTold ? { ...release, cause } : release
  // A pass that was measured while pods were missing or the route was another one says nothing of the next weight.
  if (!isSteady(state, observation))
    return withProgress(state, { checkedAt: now, verdictAt: now, lastCheck: 'missing' })
  const iterations = state.run.progress.iterations + 1
  return withProgress(state, { checkedAt: now, verdictAt: now, lastCheck: 'passed', iterations })
}

export function isSteady(state: ActiveRelease, { target, route }: Observation): boolean {
  const step = currentStep(state)
  return target?.isReady === true && step !== undefined && isServed(route, trafficOf(step))
}

const TROUBLES: readonly Reason[] = ['CheckFailed', 'NoVerdict', 'Inconclusive']

const isWaiting = ({ cause }: ActiveRelease): boolean => cause.reason === 'WaitingForTrafficIncrease'

const isTroubled = ({ cause }: ActiveRelease): boolean => TROUBLES.includes(cause.reason)

/** Counts a failed check, and rolls back when the threshold is reached. */
export function countFailure(state: ActiveRelease, observation: Observation, message: string): Change {
  const { threshold } = observation.canary.spec.analysis
  const counted = withFailure(state, observation)
  const { failedChecks } = counted.run.progress
  const numbers = `${message} (failed check ${failedChecks} of ${threshold})`
  if (failedChecks >= threshold)
    return failedByEvidence(counted, observation, { reason: 'ThresholdReached', message: numbers })
  const cause: Cause = { reason: 'CheckFailed', message: numbers }
  return { state: { ...counted, cause }, notes: [note('warn', cause)] }
}

interface Noted {
  readonly before: ActiveRelease
  readonly noted: ActiveRelease
}

const lastsTooLong = (verdicts: readonly MetricVerdict[] = []): boolean =>
  verdicts.some(({ rule }) => rule === 'comparison.maxExtension')

/** There are requests to judge by, only too few: no deadline ends that. Who must decide at last is alerted once. */
function holdInDoubt({ before, noted }: Noted, observation: Observation, message: string): Change {
  const { now } = observation
  const cause: Cause = { reason: 'Inconclusive', message: `holds in doubt: ${message}` }
  const held = withProgress(noted, { checkedAt: now, verdictAt: now, lastCheck: 'inconclusive' })
  const needsPeople = lastsTooLong(observation.answers.check?.verdicts) && !lastsTooLong(currentStep(before)?.verdicts)
  if (needsPeople) return { state: { ...held, cause }, notes: [alert('warn', cause)] }
  const isNews = before.run.progress.lastCheck !== 'inconclusive'
  return { state: { ...held, cause }, notes: isNews ? [note('info', cause)] : [] }
}

function holdWithoutVerdict(state: ActiveRelease, observation: Observation, message: string): Change {
  const { now, canary } = observation
  const since = state.run.progress.verdictAt ?? state.since
  const deadlineMs = deadlineMsOf(canary.spec)
  if (now - since >= deadlineMs) {
    const late = `no verdict within ${deadlineMs / 1_000} s: ${message}`
    return failedByEvidence(state, observation, { reason: 'NoVerdictInTime', message: late })
  }
  const cause: Cause = { reason: 'NoVerdict', message: `holds without a verdict: ${message}` }
  const isNew = state.run.progress.lastCheck !== 'missing'
  const held = withProgress(state, { checkedAt: now, lastCheck: 'missing' })
  return { state: { ...held, cause }, notes: isNew ? [alert('warn', cause)] : [] }
}
