import type { Clock } from '../../../runtime/index.ts'
import { type JsonObject, stringAt } from '../json.ts'
import { objectKey } from '../metadata.ts'
import type { Store } from '../storage/store.ts'

const EVENTS = '/events'
const TTL_MS = 3600_000
const MAX_EVENTS = 5000
const SWEEP_EVERY_MS = 60_000

/** Events live an hour, and at most five thousand of them. */
export async function expireEvents(store: Store, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    sweepEvents(store, clock.now())
    await clock.sleep(SWEEP_EVERY_MS, signal)
  }
}

export function sweepEvents(store: Store, now: number): void {
  const byAge = [...store.list(EVENTS)].sort((a, b) => lastSeen(a) - lastSeen(b))
  const surplus = byAge.length - MAX_EVENTS
  for (const [index, event] of byAge.entries()) {
    if (index < surplus || lastSeen(event) < now - TTL_MS) store.remove(EVENTS, objectKey(event))
  }
}

function lastSeen(event: JsonObject): number {
  const time = stringAt(event, 'lastTimestamp') ?? stringAt(event, 'metadata', 'creationTimestamp') ?? ''
  return Date.parse(time) || 0
}
