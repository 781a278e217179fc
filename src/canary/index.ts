/**
 * canary: the release state machine. `decide` takes what was recorded and what one pass observed, and says what is
 * recorded next, what must be done for it, why, whom to tell and when time alone matters again. Plain data, no I/O, no
 * clock: time is a field of the observation. `questionsFor` says what analysis and webhooks must be asked before.
 * `restoreState`, `renderStatus` and `renderRunStatus` carry the state through the API server and back.
 *
 * It must not know how routes are written, how metrics are measured, or that there is a Kubernetes client.
 */
export { type GuardedRun, guardedRun } from './alarm.ts'
export { podsDueAt } from './crashes.ts'
export { decide } from './decide.ts'
export type { Action, Decision, NewRun, Note, Severity } from './decision.ts'
export { lastWordOf } from './last-word.ts'
export { neighbourOf } from './neighbour.ts'
export type {
  Answers,
  AutoscalerFacts,
  CheckedMetric,
  DeletionFacts,
  GroupFacts,
  HookAnswer,
  LivingPods,
  Neighbour,
  Observation,
  RouteFacts,
  RunFacts,
  ServiceFacts,
  Traffic,
  WorkloadFacts,
} from './observation.ts'
export { hooksOf, type Question, questionsFor } from './questions.ts'
export type { Cause, Reason } from './reasons.ts'
export { restoreState } from './restore.ts'
export {
  asWritten,
  isRevisionOf,
  releasedSpec,
  revisionOf,
  revisionOfService,
  scaleToZeroLabel,
  scaleToZeroLabels,
} from './revision.ts'
export { renderRunStatus } from './run-status.ts'
export type { ReleaseState, RunState } from './state.ts'
export { renderStatus } from './status.ts'
export { remainingTimeOf } from './step-plan.ts'
export { isInProgress } from './turn.ts'
export { planSteps } from './weights.ts'
