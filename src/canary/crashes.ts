import { describeVersion } from '../api/index.ts'
import type { Change } from './decision.ts'
import { failed } from './ending.ts'
import type { Observation } from './observation.ts'
import { type ActiveRelease, isActive, type ReleaseState } from './state.ts'

/** A version that is still starting is left alone for so long, and looked at as often. */
const LOOK_EVERY_MS = 5_000

/** When the pods of a version that is not ready are looked at; undefined while there is no reason to. */
export function podsDueAt(state: ReleaseState, { now, target }: Omit<Observation, 'answers'>): number | undefined {
  if (!isActive(state) || state.run.progress.ending || target === undefined || target.isReady) return undefined
  if (state.phase !== 'Progressing' && state.phase !== 'WaitingPromotion') return undefined
  const firstAt = (state.run.progress.unreadyAt ?? state.since) + LOOK_EVERY_MS
  return now < firstAt ? firstAt : now
}

/** The next look after one in this pass. */
export function podsDueNext(state: ReleaseState, observation: Observation): number | undefined {
  const dueAt = podsDueAt(state, observation)
  return dueAt === undefined ? undefined : Math.max(dueAt, observation.now + LOOK_EVERY_MS)
}

/** No deadline mends a version of which every pod ends again and again. */
export function podsDoNotCrash(state: ActiveRelease, observation: Observation): Change | undefined {
  const { crash } = observation
  if (crash === undefined || observation.target?.isReady) return undefined
  const message = `every pod of ${describeVersion(state.run)} crashes: ${crash.message}`
  return failed(state, observation, { reason: 'CanaryNotReady', message })
}
