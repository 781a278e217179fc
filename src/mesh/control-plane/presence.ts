import type { Clock } from '../../runtime/index.ts'

/** Remembers which proxies may come back in a moment: after a cut stream, or after our own restart. */
export interface Presence {
  /** At the start: these were connected to whoever served before. */
  expect(nodeIds: Iterable<string>): void
  connected(nodeId: string): void
  disconnected(nodeId: string): void
  isExpected(nodeId: string): boolean
  /** All that may come back. */
  expected(): readonly string[]
  /** Open streams. */
  count(): number
}

export function createPresence(clock: Clock, returnWithinMs: number): Presence {
  const missingSince = new Map<string, number>()
  let streams = 0
  const isExpected = (nodeId: string): boolean => {
    const since = missingSince.get(nodeId)
    if (since === undefined) return false
    if (clock.monotonic() - since < returnWithinMs) return true
    missingSince.delete(nodeId)
    return false
  }
  return {
    isExpected,
    expected: () => [...missingSince.keys()].filter(isExpected),
    expect(nodeIds) {
      for (const nodeId of nodeIds) missingSince.set(nodeId, clock.monotonic())
    },
    count: () => streams,
    connected(nodeId) {
      streams += 1
      missingSince.delete(nodeId)
    },
    disconnected(nodeId) {
      streams -= 1
      missingSince.set(nodeId, clock.monotonic())
    },
  }
}
