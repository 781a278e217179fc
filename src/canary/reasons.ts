/** One word per cause: the same in events, conditions, alerts and logs. */
export const reasons = [
  'Initializing',
  'Initialized',
  'NewRevision',
  'WaitingForDependencies',
  'WaitingForTurn',
  'WaitingForRollout',
  'WaitingForTrafficIncrease',
  'WaitingForPromotion',
  'Progressing',
  'WeightChanged',
  'CheckFailed',
  'NoVerdict',
  'Inconclusive',
  'HookFailed',
  'CanaryNotReady',
  'ProgressDeadlineExceeded',
  'ThresholdReached',
  'MetricFailed',
  'NoVerdictInTime',
  'ProxiesLagging',
  'TrafficLowered',
  'Aborted',
  'RollbackRequested',
  'Superseded',
  'Reverted',
  'Promoting',
  'PromotionFailed',
  'Finalising',
  'Succeeded',
  'Terminating',
  'Suspended',
  'TargetNotFound',
  'TargetClaimed',
  'UnsupportedTarget',
  'AutoscalerNotFound',
  'UnsupportedSelector',
  'ObjectOwnedByOther',
  'CrossNamespaceReference',
  'TemplateNotFound',
  'PrimaryMissing',
  'PrimaryNotReady',
  'InvalidCanary',
  'RequestRefused',
  'AlertNotSent',
  'DependencyNotFound',
  'DependencyCycle',
] as const

export type Reason = (typeof reasons)[number]

export const isReason = (word: string): word is Reason => reasons.some((reason) => reason === word)

export interface Cause {
  readonly reason: Reason
  /** One sentence, with the numbers that decided. */
  readonly message: string
}
