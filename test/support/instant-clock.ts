import type { Clock } from '../../src/runtime/index.ts'

/** A clock whose sleeps take no time and are kept: for code that waits between tries. */
export function instantClock(now = 0): Clock & { readonly sleeps: number[] } {
  const sleeps: number[] = []
  let time = now
  return {
    sleeps,
    now: () => time,
    monotonic: () => time,
    async sleep(milliseconds) {
      sleeps.push(milliseconds)
      time += milliseconds
    },
  }
}
