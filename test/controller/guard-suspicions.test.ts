import { expect, test } from 'vitest'
import type { GuardReader } from '../../src/analysis/index.ts'
import { createGuard } from '../../src/controller/guard.ts'
import { createLocalCopies } from '../../src/controller/local-copies.ts'
import { silentLogger } from '../../src/runtime/index.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createMemoryApi } from '../support/memory-api.ts'

test('a release that looks bad in each round is asked for once until that is settled', async () => {
  const clock = createFakeClock(0)
  const client = createMemoryApi(() => clock.now()).client('test')
  const copies = createLocalCopies({
    client,
    clock,
    log: silentLogger,
    random: () => 0,
    tracking: { configMaps: false, secrets: false },
  })
  const woken: number[] = []
  const reader: GuardReader = {
    async read(_, tell) {
      tell({ key: 'default/web', run: 'web-1', sinceMs: clock.now() })
    },
  }
  const guard = createGuard({
    ...{ reader, copies, clock, intervalMs: 1_000, defaultMetricsServer: 'http://prometheus' },
    policy: { allowCrossNamespaceReferences: false },
    wake: () => woken.push(clock.now()),
    metrics: { round: () => undefined, suspected: () => undefined },
  })
  const stop = new AbortController()
  const ended = guard.start(stop.signal)
  await clock.advance(3_500)
  expect(woken).toEqual([0])
  guard.settle('default/web', guard.suspicionOf('default/web'))
  await clock.advance(3_000)
  expect(woken).toEqual([0, 4_000])
  stop.abort()
  await ended
})
