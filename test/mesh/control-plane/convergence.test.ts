import { expect, test } from 'vitest'
import { createConvergence } from '../../../src/mesh/control-plane/convergence.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

function measuring() {
  const clock = createFakeClock(0)
  const seen: number[] = []
  return { clock, seen, convergence: createConvergence(clock, (ms) => seen.push(ms)) }
}

test('a proxy has converged when it has answered all that it was sent, what the first answers let through included', async () => {
  const { clock, seen, convergence } = measuring()
  await clock.advance(100)
  convergence.pushed('one', 'cluster')
  convergence.changed(['one', 'not connected'], 40)
  await clock.advance(50)
  convergence.answered('one', 'cluster')
  // As a stream does it: the answer is taken in, then what waited for it is sent.
  convergence.pushed('one', 'listener')
  await clock.advance(25)
  expect(seen).toEqual([])
  convergence.answered('one', 'listener')
  await clock.advance(0)
  expect(seen).toEqual([135])
})

test('a change that comes meanwhile is part of it', async () => {
  const { clock, seen, convergence } = measuring()
  convergence.pushed('one', 'routes')
  convergence.changed(['one'], 0)
  await clock.advance(10)
  convergence.changed(['one'], 10)
  convergence.answered('one', 'routes')
  await clock.advance(0)
  expect(seen).toEqual([10])
})

test('answers to what a proxy asked for itself, and a proxy that leaves, count for nothing', async () => {
  const { clock, seen, convergence } = measuring()
  convergence.pushed('one', 'cluster')
  convergence.answered('one', 'cluster')
  convergence.pushed('two', 'routes')
  convergence.changed(['one', 'two'], 0)
  convergence.disconnected('two')
  convergence.answered('two', 'routes')
  await clock.advance(0)
  expect(seen).toEqual([])
})
