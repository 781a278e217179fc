import { expect, test } from 'vitest'
import { exitedState, shouldRestart } from '../../../../src/local/node-agent/container/exit.ts'
import {
  firstRestart,
  kubernetesRestartTiming,
  restartDelay,
} from '../../../../src/local/node-agent/container/restart-delay.ts'

const delays = (runsMs: readonly number[]): number[] => {
  let state = firstRestart
  return runsMs.map((ranForMs) => {
    const { delayMs, next } = restartDelay(kubernetesRestartTiming, state, ranForMs)
    state = next
    return delayMs / 1_000
  })
}

test('the first restart is at once, then 10 s doubling to 5 min', () => {
  expect(delays([1, 1, 1, 1, 1, 1, 1, 1])).toEqual([0, 10, 20, 40, 80, 160, 300, 300])
})

test('a long run starts over', () => {
  expect(delays([1, 1, 1, 600_000, 1])).toEqual([0, 10, 20, 0, 10])
})

test.each([
  ['success', { code: 0, signal: null }, { exitCode: 0, reason: 'Completed' }],
  ['failure', { code: 3, signal: null }, { exitCode: 3, reason: 'Error' }],
  ['a signal', { code: null, signal: 'SIGKILL' }, { exitCode: 137, signal: 9, reason: 'Error' }],
] as const)('an end by %s', (_, exit, expected) => {
  expect(exitedState(exit, {})).toEqual({ terminated: expected })
})

test('restart policies', () => {
  const table = (['Always', 'OnFailure', 'Never'] as const).map((policy) => [
    shouldRestart(policy, true),
    shouldRestart(policy, false),
  ])
  expect(table).toEqual([
    [true, true],
    [false, true],
    [false, false],
  ])
})
