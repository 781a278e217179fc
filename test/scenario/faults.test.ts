import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CanaryRun, virtualServiceKind } from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { answersSince, type ReleasedApp, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type PlatformChild, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

describe.skipIf(isKubectlMissing('faults on the local platform'))('while a release is going on', () => {
  let platform: SluiceLocal
  let app: ReleasedApp

  beforeAll(async () => {
    platform = await startSluiceLocal()
    const metrics = [
      { name: 'request-success-rate', thresholdRange: { min: 99 } },
      { name: 'request-duration', thresholdRange: { max: 700 } },
    ]
    // Its deadline is longer than any fault below: what holds must go on afterwards.
    const spec = { progressDeadlineSeconds: 120 }
    app = await startApp(platform, { namespace: 'shop', spec, analysis: { metrics } })
  })

  afterAll(() => platform?.[Symbol.asyncDispose]())

  const atWeight = (weight: number) =>
    app.until(`weight ${weight}`, ({ status }) => {
      expect([status?.phase, status?.canaryWeight]).toEqual(['Progressing', weight])
    })

  const kill = (child: PlatformChild): number => {
    const { pid } = platform.child(child)
    process.kill(pid, 'SIGKILL')
    return pid
  }

  const isBack = (child: PlatformChild, killed: number) =>
    eventually(() => platform.child(child).pid !== killed, { within: 30_000, what: `${child} runs again` })

  const stepsOf = (run: CanaryRun) => (run.status?.steps ?? []).map(({ weight, outcome }) => [weight, outcome])
  const everyStep = [
    [0, 'passed'],
    [50, 'passed'],
  ]

  test('a silent Prometheus holds it where it is, and lets it go on', async () => {
    const before = await app.counts()
    await app.setImage('2.0.0')
    await app.until('it mirrors', ({ status }) => status?.mirrorWeight === 100)
    const { pid } = platform.child('prometheus')
    process.kill(pid, 'SIGSTOP')
    try {
      const held = await app.until('it holds', ({ status }) =>
        expect(status?.message).toMatch(/^holds without a verdict: .*(no answer|did not answer|timed? ?out)/i),
      )
      expect([held.status?.canaryWeight, held.status?.mirrorWeight, held.status?.failedChecks]).toEqual([0, 100, 0])
      // A second check meets the same silence.
      await eventually(
        async () => {
          const states = (await app.run('2.0.0')).status?.steps.at(-1)?.verdicts.map(({ state }) => state) ?? []
          expect(states.length).toBeGreaterThanOrEqual(2)
          expect(new Set(states)).toEqual(new Set(['provider-down']))
        },
        { within: 60_000 },
      )
      expect((await answersSince(app, before)).counts['2.0.0']).toBeUndefined()
      const events = await platform.kubectl('get', 'events', '-n', 'shop', '-o', 'jsonpath={.items[*].reason}')
      expect(events.out).toContain('NoVerdict')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    const { run } = await app.ended('2.0.0')
    expect([run.status?.phase, stepsOf(run)]).toEqual(['Succeeded', everyStep])
    expect((await answersSince(app, before)).failures).toEqual([])
  })

  test('a killed Prometheus, controller and mesh are started again, and no request fails', async () => {
    const before = await app.counts()
    await app.setImage('2.1.0')
    await app.until('it mirrors', ({ status }) => status?.mirrorWeight === 100)
    const killed = (['prometheus', 'controller', 'mesh'] as const).map((child) => [child, kill(child)] as const)
    for (const [child, pid] of killed) await isBack(child, pid)
    const { run } = await app.ended('2.1.0')
    expect([run.status?.phase, stepsOf(run)]).toEqual(['Succeeded', everyStep])
    const { counts, failures } = await answersSince(app, before)
    expect(failures).toEqual([])
    expect(counts['2.1.0']?.requests).toBeGreaterThan(0)
  })

  test('a bad version is taken back although controller and mesh were killed at its weight', async () => {
    const before = await app.counts()
    await app.setImage('4.0.0')
    await atWeight(50)
    // The status says what is to be before the route is moved.
    await eventually(async () => {
      const route = await platform.client.get(virtualServiceKind, { namespace: 'shop', name: 'web' })
      expect(route?.spec.http?.flatMap(({ route: to }) => to?.map(({ weight }) => weight))).toEqual([50, 50])
    })
    const killed = (['controller', 'mesh'] as const).map((child) => [child, kill(child)] as const)
    for (const [child, pid] of killed) await isBack(child, pid)
    const { run, canary } = await app.ended('4.0.0')
    expect([run.status?.phase, canary.status?.canaryWeight]).toEqual(['Failed', 0])
    expect(run.status?.message).toMatch(/p99 latency [\d.]+ ms is above 700 ms/)
    expect(stepsOf(run)).toEqual([
      [0, 'passed'],
      [50, 'failed'],
    ])
    expect((await answersSince(app, before)).failures).toEqual([])
    // Weight 0 has arrived: nobody gets the new version any more. Its slow answers may still be under way.
    let after = await app.counts()
    await eventually(
      async () => {
        const { counts } = await answersSince(app, after)
        if ((counts['4.0.0']?.requests ?? 0) > 0) after = await app.counts()
        expect(counts['2.1.0']?.requests).toBeGreaterThan(40)
      },
      { within: 20_000, what: 'only the promoted version answers' },
    )
  })
})
