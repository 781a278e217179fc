import fc from 'fast-check'
import { expect, test } from 'vitest'
import { leaseKind } from '../../src/api/index.ts'
import { type ElectionOutcome, runLeaderElection } from '../../src/kube/index.ts'
import { type Clock, silentLogger, untilAborted } from '../../src/runtime/index.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createMemoryCluster, type MemoryCluster } from '../support/memory-client.ts'

type Fault = 'none' | 'fails' | 'hangs' | 'slow'

interface Candidate {
  /** What its API calls meet from now on. */
  readonly fate: { fault: Fault }
  readonly leads: () => boolean
  readonly stop: AbortController
  readonly outcome: Promise<ElectionOutcome>
}

const never = new Promise<void>(() => undefined)

function stand(cluster: MemoryCluster, clock: Clock, identity: string, drainMs = 0): Candidate {
  const stop = new AbortController()
  const fate: { fault: Fault } = { fault: 'none' }
  let leads = false
  const client = cluster.client(() => {
    if (fate.fault === 'fails') throw new Error('connection refused')
    if (fate.fault === 'slow') return clock.sleep(2_400)
    return fate.fault === 'hangs' ? never : undefined
  })
  const lead = async (signal: AbortSignal): Promise<void> => {
    leads = true
    await untilAborted(signal)
    await clock.sleep(drainMs)
    leads = false
  }
  const place = { namespace: 'sluice-system', name: 'sluice-controller' }
  const outcome = runLeaderElection(
    { ...place, client, identity, clock, log: silentLogger, random: () => 0, lead },
    stop.signal,
  )
  return { fate, leads: () => leads, stop, outcome }
}

const holderOf = (cluster: MemoryCluster) => cluster.objects(leaseKind)[0]?.spec?.holderIdentity

test('one of two leads, and hands over within a retry when it is stopped', async () => {
  const [cluster, clock] = [createMemoryCluster(), createFakeClock()]
  const first = stand(cluster, clock, 'first')
  await clock.advance(100)
  const second = stand(cluster, clock, 'second')
  await clock.advance(60_000)
  expect([first.leads(), second.leads()]).toEqual([true, false])
  expect(cluster.objects(leaseKind)[0]?.spec).toEqual({
    holderIdentity: 'first',
    leaseDurationSeconds: 15,
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:01:00.000000Z',
    leaseTransitions: 0,
  })
  first.stop.abort()
  expect(await first.outcome).toBe('stopped')
  expect(holderOf(cluster)).toBe('')
  await clock.advance(2_100)
  expect(second.leads()).toBe(true)
  expect(cluster.objects(leaseKind)[0]?.spec).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1 })
  second.stop.abort()
  expect(await second.outcome).toBe('stopped')
})

test('a silent holder keeps its lease for as long as it promised, where that is longer than ours', async () => {
  const [cluster, clock] = [createMemoryCluster(), createFakeClock()]
  await cluster.client().create(leaseKind, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'sluice-system', name: 'sluice-controller' },
    spec: { holderIdentity: 'silent', leaseDurationSeconds: 60, renewTime: '2026-01-01T00:00:00.000000Z' },
  })
  const other = stand(cluster, clock, 'other')
  await clock.advance(58_000)
  expect(other.leads()).toBe(false)
  await clock.advance(6_000)
  expect(other.leads()).toBe(true)
  other.stop.abort()
  expect(await other.outcome).toBe('stopped')
})

test('a leader that drains keeps its lease until its last write', async () => {
  const [cluster, clock] = [createMemoryCluster(), createFakeClock()]
  const first = stand(cluster, clock, 'first', 40_000)
  const second = stand(cluster, clock, 'second')
  await clock.advance(1_000)
  first.stop.abort()
  await clock.advance(39_000)
  expect([first.leads(), second.leads(), holderOf(cluster)]).toEqual([true, false, 'first'])
  await clock.advance(4_000)
  expect([first.leads(), second.leads()]).toEqual([false, true])
  second.stop.abort()
  await clock.advance(1)
  expect([await first.outcome, await second.outcome]).toEqual(['stopped', 'stopped'])
})

test.each<Fault>(['fails', 'hangs'])(
  'a leader whose API server %s stops leading before another begins',
  async (fault) => {
    const [cluster, clock] = [createMemoryCluster(), createFakeClock()]
    const first = stand(cluster, clock, 'first')
    await clock.advance(1)
    const second = stand(cluster, clock, 'second')
    await clock.advance(30_000)
    first.fate.fault = fault
    const cutAt = clock.now()
    let lostAt = 0
    while (!second.leads()) {
      await clock.advance(100)
      expect(first.leads() && second.leads()).toBe(false)
      if (lostAt === 0 && !first.leads()) lostAt = clock.now()
    }
    expect(await first.outcome).toBe('lost')
    expect(lostAt - cutAt).toBeLessThanOrEqual(12_000)
    expect(clock.now() - cutAt).toBeLessThanOrEqual(20_000)
    second.stop.abort()
    await second.outcome
  },
)

test('a holder whose clock is wrong by years is left in peace while it renews', async () => {
  const [cluster, clock] = [createMemoryCluster(), createFakeClock()]
  const old: Clock = { ...clock, now: () => clock.now() - 10 * 365 * 86_400_000 }
  const first = stand(cluster, old, 'first')
  await clock.advance(1)
  const second = stand(cluster, clock, 'second')
  await clock.advance(120_000)
  expect([first.leads(), second.leads()]).toEqual([true, false])
  first.stop.abort()
  second.stop.abort()
  await Promise.all([first.outcome, second.outcome])
})

test('a leader of which one request hangs sends another and leads on, and an answer that is only slow counts', async () => {
  const [cluster, clock] = [createMemoryCluster(), createFakeClock()]
  const leader = stand(cluster, clock, 'leader')
  await clock.advance(30_000)
  leader.fate.fault = 'hangs'
  await clock.advance(2_100)
  leader.fate.fault = 'none'
  await clock.advance(60_000)
  expect([leader.leads(), holderOf(cluster)]).toEqual([true, 'leader'])
  leader.fate.fault = 'slow'
  await clock.advance(120_000)
  expect([leader.leads(), holderOf(cluster)]).toEqual([true, 'leader'])
  leader.fate.fault = 'none'
  leader.stop.abort()
  await clock.advance(10_000)
  expect(await leader.outcome).toBe('stopped')
})

test('a candidate that is stopped while it waits ends without a write', async () => {
  const [cluster, clock] = [createMemoryCluster(), createFakeClock()]
  const first = stand(cluster, clock, 'first')
  const second = stand(cluster, clock, 'second')
  await clock.advance(5_000)
  const calls = cluster.writes.length
  second.stop.abort()
  expect(await second.outcome).toBe('stopped')
  expect(cluster.writes).toHaveLength(calls)
  first.stop.abort()
  await first.outcome
})

test('work that ends by itself gives the lease back; work that throws does too and the error is passed on', async () => {
  const [cluster, clock] = [createMemoryCluster(), createFakeClock()]
  const run = (lead: () => Promise<void>) =>
    runLeaderElection(
      { client: cluster.client(), namespace: 'a', name: 'b', identity: 'me', clock, log: silentLogger, lead },
      new AbortController().signal,
    )
  expect(await run(() => Promise.resolve())).toBe('done')
  expect(holderOf(cluster)).toBe('')
  await expect(run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(holderOf(cluster)).toBe('')
})

test('whatever fails whenever, two never lead', async () => {
  const step = fc.record({
    who: fc.nat({ max: 2 }),
    fault: fc.constantFrom<Fault>('none', 'none', 'fails', 'hangs', 'slow'),
    waitMs: fc.integer({ min: 100, max: 20_000 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const [cluster, clock] = [createMemoryCluster(), createFakeClock()]
      const candidates = ['a', 'b', 'c'].map((identity) => stand(cluster, clock, identity))
      for (const { who, fault, waitMs } of steps) {
        const candidate = candidates[who]
        if (candidate !== undefined) candidate.fate.fault = fault
        for (let waited = 0; waited < waitMs; waited += 500) {
          await clock.advance(500)
          expect(candidates.filter((each) => each.leads()).length).toBeLessThanOrEqual(1)
        }
      }
      for (const candidate of candidates) candidate.stop.abort()
      await clock.advance(60_000)
    }),
    { numRuns: 25 },
  )
})
