import type { Sample } from '../provider.ts'
import type { Window } from '../window.ts'

export interface Point {
  readonly atMs: number
  /** Null where the server has a place in time but no value. */
  readonly value: number | null
}

/**
 * The newest point of a series with a value, inside the window: an older one speaks of another weight. None is no
 * sample, so that nothing passes for 0.
 */
export function newestSample(labels: Sample['labels'], points: readonly Point[], window: Window): readonly Sample[] {
  const { atMs, value } = points
    .filter((point) => point.value !== null && point.atMs >= window.startMs && point.atMs <= window.endMs)
    .reduce((newest, point) => (point.atMs >= newest.atMs ? point : newest), { atMs: -1, value: null } as Point)
  return atMs < 0 || value === null ? [] : [{ labels, value }]
}
