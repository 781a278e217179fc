import type { CanaryStatus, Condition, Phase } from '../api/index.ts'
import type { ReleaseState } from './state.ts'
import { renderTime } from './timing.ts'

type Draft = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

export interface ConditionInput {
  readonly state: ReleaseState
  readonly generation: number | undefined
  readonly previous: NonNullable<CanaryStatus['conditions']>
  readonly now: number
}

/** Ready, Reconciling and Stalled as kstatus reads them, Promoted as Flagger's users do. */
export function conditionsOf({ state, generation, previous, now }: ConditionInput): readonly Condition[] {
  return drafts(state).map((draft) => {
    const before = previous.find(({ type }) => type === draft.type)
    const isSame = before?.status === draft.status
    return {
      ...draft,
      lastTransitionTime: isSame ? before.lastTransitionTime : renderTime(now),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    }
  })
}

function drafts(state: ReleaseState): readonly Draft[] {
  const { reason, message } = visibleCause(state)
  const isStalled = state.stalled !== undefined || state.phase === 'Failed'
  const isReconciling = !isStalled && state.suspendedAt === undefined && !isSettled(state.phase)
  const isReady = isSettled(state.phase) && !isStalled
  const draft = (type: string, holds: boolean): Draft => ({ type, status: holds ? 'True' : 'False', reason, message })
  return [
    draft('Ready', isReady),
    draft('Reconciling', isReconciling),
    { ...draft('Stalled', isStalled), ...state.stalled },
    { type: 'Promoted', status: promoted(state.phase), reason: state.phase || 'Initializing', message },
  ]
}

export const visibleCause = (state: ReleaseState) => {
  if (state.suspendedAt !== undefined) return { reason: 'Suspended', message: 'held by spec.suspend' } as const
  return state.stalled ?? state.cause
}

const isSettled = (phase: Phase): boolean => phase === 'Initialized' || phase === 'Succeeded'

function promoted(phase: Phase): Condition['status'] {
  if (isSettled(phase)) return 'True'
  return phase === 'Failed' ? 'False' : 'Unknown'
}
