import { expect, test } from 'vitest'
import { createDebouncer } from '../../../src/mesh/control-plane/debouncer.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

async function running() {
  const clock = createFakeClock(0)
  const ran: number[] = []
  const debouncer = createDebouncer({ clock, quietMs: 100, atMostMs: 1_000, run: () => ran.push(clock.monotonic()) })
  const stop = new AbortController()
  const ended = debouncer.start(stop.signal)
  await clock.advance(0)
  return {
    clock,
    ran,
    changed: debouncer.changed,
    expect: debouncer.expect,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  }
}

test('many changes in a row are one run, 100 ms after the last', async () => {
  await using world = await running()
  for (let turn = 0; turn < 3; turn += 1) {
    world.changed(false)
    await world.clock.advance(50)
  }
  await world.clock.advance(1_000)
  expect(world.ran).toEqual([200])
})

test('changes without end are put off for a second at most', async () => {
  await using world = await running()
  for (let turn = 0; turn < 40; turn += 1) {
    world.changed(false)
    await world.clock.advance(50)
  }
  expect(world.ran).toEqual([1_000, 2_000])
})

test('an urgent change runs at once and takes along what waited', async () => {
  await using world = await running()
  world.changed(false)
  await world.clock.advance(30)
  world.changed(true)
  world.changed(false)
  await world.clock.advance(1_000)
  expect(world.ran).toEqual([30])
})

test('what is to be done by a time is done then, or at once with what changes before', async () => {
  await using world = await running()
  world.expect(500)
  await world.clock.advance(600)
  world.expect(500)
  await world.clock.advance(50)
  world.changed(false)
  await world.clock.advance(20)
  world.expect(undefined)
  world.changed(false)
  await world.clock.advance(1_000)
  expect(world.ran).toEqual([500, 650, 770])
})
