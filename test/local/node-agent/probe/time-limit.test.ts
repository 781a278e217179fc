import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { type Check, checkTcp } from '../../../../src/local/node-agent/probe/checks.ts'
import { lookWithin } from '../../../../src/local/node-agent/probe/time-limit.ts'

const never = new AbortController().signal

/** Nothing of this process runs meanwhile. */
const holdUp = (milliseconds: number): unknown =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)

test('an agent that is held up does not take its own delay for that of the program', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : expect.unreachable()
  const check: Check = (signal) => {
    const looking = checkTcp('127.0.0.1', port, signal)
    // After the connection was asked for, which the kernel makes without us.
    process.nextTick(() => holdUp(100))
    return looking
  }
  expect(await lookWithin(check, 50, never)).toEqual({ ok: true })
  server.close()
  await once(server, 'close')
})

test('a program that does not answer is given up', async () => {
  const check: Check = (signal) =>
    new Promise((resolve) =>
      signal.addEventListener('abort', () => resolve({ ok: false, message: 'timed out' }), { once: true }),
    )
  expect(await lookWithin(check, 20, never)).toEqual({ ok: false, message: 'timed out' })
  expect(await lookWithin(check, 1e9, AbortSignal.timeout(20))).toEqual({ ok: false, message: 'timed out' })
})
