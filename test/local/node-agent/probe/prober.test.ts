import { expect, test } from 'vitest'
import { countProbe, noProbeYet, probeTiming } from '../../../../src/local/node-agent/probe/probe-state.ts'
import { runProbe } from '../../../../src/local/node-agent/probe/prober.ts'
import type { Clock } from '../../../../src/runtime/index.ts'

test('defaults are those of Kubernetes', () => {
  expect(probeTiming({})).toEqual({
    initialDelayMs: 0,
    periodMs: 10_000,
    timeoutMs: 1_000,
    successThreshold: 1,
    failureThreshold: 3,
  })
})

test('thresholds count results in a row', () => {
  const timing = { successThreshold: 2, failureThreshold: 3 }
  let state = noProbeYet
  const verdicts = [true, true, false, false, true, false, false, false, false, true, true].map((ok) => {
    const counted = countProbe(timing, state, ok)
    state = counted.state
    return counted.verdict
  })
  const none = undefined
  expect(verdicts).toEqual([none, true, none, none, none, none, none, false, false, none, true])
})

test('looks after the initial delay, then each period', async () => {
  const stop = new AbortController()
  const said: string[] = []
  let now = 0
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async (milliseconds) => {
      now += milliseconds
    },
  }
  const results = [false, false, true, true]
  const check = async () => {
    const ok = results.shift() ?? true
    said.push(`${now} ${ok}`)
    if (results.length === 0) stop.abort()
    return ok ? ({ ok } as const) : ({ ok, message: 'no' } as const)
  }
  const timing = probeTiming({ initialDelaySeconds: 5, periodSeconds: 2, failureThreshold: 2 })
  const listener = {
    verdict: (ok: boolean) => said.push(`verdict ${ok}`),
    failed: (message: string) => said.push(`failed ${message}`),
  }
  await runProbe({ timing, check }, listener, clock, stop.signal)
  expect(said).toEqual([
    '5000 false',
    'failed no',
    '7000 false',
    'failed no',
    'verdict false',
    '9000 true',
    'verdict true',
    '11000 true',
  ])
})
