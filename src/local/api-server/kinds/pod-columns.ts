import { arrayAt, at, isObject, type Json, type JsonObject, numberAt, objectAt, stringAt } from '../json.ts'
import { isDeleting } from '../metadata.ts'
import { age } from './age.ts'

const statuses = (pod: JsonObject): readonly JsonObject[] =>
  arrayAt(pod, 'status', 'containerStatuses').filter(isObject)

export function podReady(pod: JsonObject): Json {
  const ready = statuses(pod).filter((status) => at(status, 'ready') === true).length
  return `${ready}/${arrayAt(pod, 'spec', 'containers').length}`
}

export function podRestarts(pod: JsonObject, now: number): Json {
  const restarts = statuses(pod).reduce((sum, status) => sum + (numberAt(status, 'restartCount') ?? 0), 0)
  const last = statuses(pod)
    .map((status) => stringAt(status, 'lastState', 'terminated', 'finishedAt') ?? '')
    .sort()
    .at(-1)
  return restarts > 0 && last ? `${restarts} (${age(last, now)} ago)` : String(restarts)
}

/** The STATUS that kubectl prints: the reason of a container that waits or ended, before the phase. */
export function podStatus(pod: JsonObject): Json {
  if (isDeleting(pod)) return 'Terminating'
  const reasons = statuses(pod)
    .map(containerReason)
    .filter((reason) => reason !== undefined)
  const own = stringAt(pod, 'status', 'reason')
  return reasons.at(0) ?? own ?? stringAt(pod, 'status', 'phase') ?? 'Unknown'
}

function containerReason(status: JsonObject): string | undefined {
  const waiting = stringAt(status, 'state', 'waiting', 'reason')
  if (waiting !== undefined) return waiting
  const terminated = objectAt(status, 'state', 'terminated')
  if (terminated === undefined) return undefined
  const signal = numberAt(terminated, 'signal')
  const reason = stringAt(terminated, 'reason')
  if (reason !== undefined && reason !== '') return reason
  return signal ? `Signal:${signal}` : `ExitCode:${numberAt(terminated, 'exitCode') ?? 0}`
}
