import type { RunStep } from '../api/index.ts'
import { renderDuration } from '../base/index.ts'
import type { Change } from './decision.ts'
import { holdWith } from './hold.ts'
import type { Observation } from './observation.ts'
import { updateStep, withProgress } from './run.ts'
import type { ActiveRelease } from './state.ts'
import { deadlineMsOf, parseTime, renderTime } from './timing.ts'
import { isServed, trafficOf } from './weights.ts'

/** The window of a step begins when every proxy concerned has its weight, by no clock but ours. */
export function awaitProxies(state: ActiveRelease, observation: Observation, step: RunStep): Change | undefined {
  const { now, route } = observation
  const startedAt = parseTime(step.startedAt) ?? now
  if (!isServed(route, trafficOf(step))) return waitLonger(state, observation, startedAt)
  const programmedAt = Math.min(now, Math.max(startedAt, route.programmedAt ?? now))
  const marked = updateStep(state, (each) => ({ ...each, programmedAt: renderTime(programmedAt) }))
  const progress = { checkedAt: programmedAt, verdictAt: programmedAt }
  return { state: { ...withProgress(marked, progress), stalled: undefined }, notes: [] }
}

function waitLonger(state: ActiveRelease, observation: Observation, startedAt: number): Change | undefined {
  const deadlineMs = deadlineMsOf(observation.canary.spec)
  if (observation.now - startedAt < deadlineMs) return undefined
  const why = observation.route.message ?? 'no proxy answered'
  const message = `proxies did not take the route within ${renderDuration(deadlineMs)}: ${why}`
  return holdWith(state, { reason: 'ProxiesLagging', message }, 'stalled')
}
