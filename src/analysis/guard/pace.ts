import type { Clock } from '../../runtime/index.ts'

const QUERIES_A_SECOND = 4

/** Lets at most four of those who ask go within a second, in the order in which they came. */
export interface Pace {
  /** Resolves when it is one's turn, or when the signal fires; it never rejects. */
  turn(signal: AbortSignal): Promise<void>
}

export function createPace(clock: Clock): Pace {
  let filling: { readonly open: Promise<void>; left: number } | undefined
  let over = Promise.resolve()
  return {
    turn(signal) {
      if (filling === undefined || filling.left === 0) {
        const batch = { open: over, left: QUERIES_A_SECOND }
        filling = batch
        over = batch.open
          .then(() => clock.sleep(1_000, signal))
          .then(() => {
            if (filling === batch) filling = undefined
          })
      }
      filling.left -= 1
      return filling.open
    },
  }
}
