import { expect, test } from 'vitest'
import { createWaker, systemClock } from '../../src/runtime/index.ts'

const HOUR_MS = 3_600_000
const never = () => new AbortController().signal

test('a sleeper is woken', async () => {
  const waker = createWaker(systemClock)
  const sleeping = waker.sleep(HOUR_MS, never())
  waker.wake()
  await sleeping
})

test('what came since it was last heeded is not slept through', async () => {
  const waker = createWaker(systemClock)
  waker.heed()
  waker.wake()
  await waker.sleep(HOUR_MS, never())
})

test('what was heeded does not wake again', async () => {
  const waker = createWaker(systemClock)
  waker.wake()
  waker.heed()
  let isAwake = false
  const stop = new AbortController()
  const sleeping = waker.sleep(HOUR_MS, stop.signal).then(() => {
    isAwake = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(isAwake).toBe(false)
  stop.abort()
  await sleeping
})
