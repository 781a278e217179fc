import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createWorkQueue, KubeError, type Rank, type Retry, type WorkOutcome } from '../../src/kube/index.ts'
import { silentLogger } from '../../src/runtime/index.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const kubeError = (retry: Retry) => new KubeError('refused', { code: 500, reason: 'InternalError', retry })

/** A queue on a fake clock; `works` lists `key@milliseconds` of every start. */
function startQueue(reconcile: (key: string, works: readonly string[]) => WorkOutcome, concurrency = 2) {
  const clock = createFakeClock(0)
  const works: string[] = []
  const queue = createWorkQueue({
    clock,
    concurrency,
    log: silentLogger,
    random: () => 0,
    async reconcile(key) {
      works.push(`${key}@${clock.now()}`)
      return reconcile(key, works)
    },
  })
  const stop = new AbortController()
  return { clock, works, queue, stop, ended: queue.start(stop.signal) }
}

describe('when a key comes', () => {
  test('added many times it is worked on once, however it waited', async () => {
    const { clock, works, queue, stop, ended } = startQueue(() => ({}))
    for (const key of ['a', 'b', 'a', 'a', 'b']) queue.add(key)
    await clock.advance(1)
    expect(works).toEqual(['a@0', 'b@0'])
    stop.abort()
    await ended
  })

  test('urgent ones go before patient ones and the first before all; ranks are asked for each time they are added', async () => {
    const clock = createFakeClock(0)
    const works: string[] = []
    const ranks = new Map<string, Rank>([['c', 'urgent']])
    const queue = createWorkQueue({
      clock,
      concurrency: 1,
      log: silentLogger,
      rankOf: (key) => ranks.get(key) ?? 'patient',
      async reconcile(key) {
        works.push(key)
        await clock.sleep(10)
        return {}
      },
    })
    const stop = new AbortController()
    const ended = queue.start(stop.signal)
    for (const key of ['a', 'b', 'c', 'd', 'e', 'c']) queue.add(key)
    ranks.set('d', 'urgent').set('e', 'first')
    for (const key of ['d', 'e', 'a']) queue.add(key)
    ranks.set('e', 'patient')
    queue.add('e')
    await clock.advance(100)
    expect(works).toEqual(['e', 'c', 'd', 'a', 'b'])
    stop.abort()
    await ended
  })

  test('those that are not urgent leave room for those that are', async () => {
    const clock = createFakeClock(0)
    const works: string[] = []
    const queue = createWorkQueue({
      clock,
      concurrency: 3,
      patientConcurrency: 2,
      log: silentLogger,
      rankOf: (key) => (key.startsWith('urgent') ? 'urgent' : 'patient'),
      async reconcile(key) {
        works.push(`${key}@${clock.now()}`)
        await clock.sleep(10)
        return {}
      },
    })
    const stop = new AbortController()
    const ended = queue.start(stop.signal)
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key)
    await clock.advance(5)
    for (const key of ['urgent 1', 'urgent 2']) queue.add(key)
    await clock.advance(100)
    expect(works).toEqual(['a@0', 'b@0', 'urgent 1@5', 'c@10', 'd@10', 'urgent 2@15'])
    stop.abort()
    await ended
  })

  test('urgent ones that come again and again leave the others their share', async () => {
    const clock = createFakeClock(0)
    const works: string[] = []
    const queue = createWorkQueue({
      clock,
      concurrency: 3,
      patientConcurrency: 1,
      log: silentLogger,
      rankOf: (key) => (key.startsWith('urgent') ? 'urgent' : 'patient'),
      async reconcile(key) {
        works.push(`${key}@${clock.now()}`)
        await clock.sleep(10)
        return key.startsWith('urgent') ? { requeueAfterMs: 0 } : {}
      },
    })
    const stop = new AbortController()
    const ended = queue.start(stop.signal)
    for (const key of ['urgent 1', 'urgent 2', 'urgent 3', 'a', 'b', 'c']) queue.add(key)
    await clock.advance(100)
    const begun = (of: string) => works.filter((work) => work.startsWith(of)).length
    expect(works.filter((work) => !work.startsWith('urgent'))).toEqual(['a@0', 'b@10', 'c@20'])
    expect(begun('urgent')).toBe(22)
    stop.abort()
    await clock.advance(10)
    await ended
  })

  test('of several later times the earliest counts', async () => {
    const { clock, works, queue, stop, ended } = startQueue(() => ({}))
    queue.addAfter('a', 500)
    queue.addAfter('a', 200)
    queue.addAfter('a', 900)
    queue.addAfter('b', 0)
    await clock.advance(2_000)
    expect(works).toEqual(['b@0', 'a@200'])
    stop.abort()
    await ended
  })

  test('an outcome may ask for another look', async () => {
    const { clock, works, queue, stop, ended } = startQueue((_, { length }) =>
      length < 3 ? { requeueAfterMs: 100 } : {},
    )
    queue.add('a')
    await clock.advance(1_000)
    expect(works).toEqual(['a@0', 'a@100', 'a@200'])
    stop.abort()
    await ended
  })

  test('failures double their wait up to half a minute, and a success forgets them', async () => {
    let fails = true
    const { clock, works, queue, stop, ended } = startQueue(() => {
      if (fails) throw kubeError('later')
      return {}
    })
    queue.add('a')
    await clock.advance(200_000)
    const starts = works.map((each) => Number(each.split('@')[1]))
    const waits = starts.slice(1).map((each, index) => each - (starts[index] ?? 0))
    expect(waits.slice(0, 5)).toEqual([7.5, 15, 30, 60, 120])
    expect(waits.at(-1)).toBe(30_000)
    fails = false
    await clock.advance(60_000)
    fails = true
    works.length = 0
    const again = clock.now()
    queue.add('a')
    await clock.advance(10)
    expect(works).toEqual([`a@${again}`, `a@${again + 7.5}`])
    stop.abort()
    await ended
  })

  test.each<[Retry, readonly string[]]>([
    // What must change for it may be nothing that anybody watches.
    ['never', ['a@0', 'a@30000', 'a@60000']],
    [{ afterMs: 25_000 }, ['a@0', 'a@25000', 'a@50000']],
  ])('an error whose retry is %j comes as it says', async (retry, expected) => {
    const { clock, works, queue, stop, ended } = startQueue(() => {
      throw kubeError(retry)
    })
    queue.add('a')
    await clock.advance(70_000)
    expect(works).toEqual(expected)
    stop.abort()
    await ended
  })
})

test('after the stop nothing begins, and the end waits for what runs', async () => {
  const clock = createFakeClock(0)
  const gate = Promise.withResolvers<void>()
  const works: string[] = []
  const queue = createWorkQueue({
    clock,
    concurrency: 1,
    log: silentLogger,
    async reconcile(key) {
      works.push(`begin ${key}`)
      await gate.promise
      works.push(`end ${key}`)
      return {}
    },
  })
  const stop = new AbortController()
  queue.add('a')
  queue.add('b')
  const ended = queue.start(stop.signal).then(() => works.push('stopped'))
  await clock.advance(1)
  stop.abort()
  await clock.advance(1_000)
  expect(works).toEqual(['begin a'])
  gate.resolve()
  await ended
  expect(works).toEqual(['begin a', 'end a', 'stopped'])
})

test('no key has two workers, none is lost, and no more run than allowed', async () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    gap: fc.nat({ max: 20 }),
    delay: fc.option(fc.nat({ max: 50 }), { nil: undefined }),
  })
  const works = fc.array(fc.record({ lasts: fc.nat({ max: 30 }), fails: fc.boolean() }), {
    minLength: 1,
    maxLength: 10,
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 20 }),
      works,
      fc.integer({ min: 1, max: 3 }),
      async (steps, plan, concurrency) => {
        const clock = createFakeClock(0)
        const running = new Set<string>()
        const lastBegun = new Map<string, number>()
        const lastAdded = new Map<string, number>()
        let count = 0
        const queue = createWorkQueue({
          clock,
          concurrency,
          log: silentLogger,
          random: () => 0,
          async reconcile(key) {
            expect(running.has(key)).toBe(false)
            running.add(key)
            expect(running.size).toBeLessThanOrEqual(concurrency)
            lastBegun.set(key, clock.now())
            const { lasts, fails } = plan[count++ % plan.length] ?? { lasts: 0, fails: false }
            await clock.sleep(lasts)
            running.delete(key)
            if (fails && count < 100) throw new Error('planned')
            return {}
          },
        })
        const stop = new AbortController()
        const ended = queue.start(stop.signal)
        for (const { key, gap, delay } of steps) {
          lastAdded.set(key, Math.max(lastAdded.get(key) ?? 0, clock.now()))
          if (delay === undefined) queue.add(key)
          else queue.addAfter(key, delay)
          await clock.advance(gap)
        }
        await clock.advance(1_000_000)
        for (const [key, added] of lastAdded) expect(lastBegun.get(key)).toBeGreaterThanOrEqual(added)
        stop.abort()
        await ended
      },
    ),
    { numRuns: 40 },
  )
})
