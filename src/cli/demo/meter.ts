import type { Clock } from '../../runtime/index.ts'
import { type AnswerCounts, countsSince } from './load.ts'
import type { View } from './view.ts'

const periodMs = 500

/** Shows on a terminal, twice a second, which versions answered the users meanwhile. */
export function createMeter(world: {
  readonly view: View
  readonly counts: () => Promise<AnswerCounts>
  readonly wait: { readonly clock: Clock }
}): () => Promise<void> {
  let shownAt = 0
  let before: AnswerCounts | undefined
  return async () => {
    const now = world.wait.clock.monotonic()
    if (!world.view.isLive || now - shownAt < periodMs) return
    shownAt = now
    const counts = await world.counts()
    if (before !== undefined) world.view.pulse(renderShares(countsSince(before, counts)))
    before = counts
  }
}

/** `users: 1.0.0 80%, 2.0.0 20%, 0 errors`. */
export function renderShares(counts: AnswerCounts): string {
  const answered = Object.entries(counts).filter(([, count]) => count.requests > 0)
  const total = answered.reduce((sum, [, count]) => sum + count.requests, 0)
  const errors = answered.reduce((sum, [, count]) => sum + count.errors, 0)
  const shares = answered.map(([version, count]) => `${version} ${Math.round((count.requests / total) * 100)}%`)
  return ['users:', [...shares, errors === 1 ? '1 error' : `${errors} errors`].join(', ')].join(' ')
}
