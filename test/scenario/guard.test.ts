import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CanaryRun } from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { answersSince, type ReleasedApp, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

describe.skipIf(isKubectlMissing('the guard on the local platform'))('with a check each minute', () => {
  let platform: SluiceLocal
  let app: ReleasedApp

  beforeAll(async () => {
    platform = await startSluiceLocal()
    app = await startApp(platform, {
      namespace: 'shop',
      analysis: { interval: '60s', threshold: 5, mirror: false },
      spec: { progressDeadlineSeconds: 600 },
      requestsPerSecond: 60,
    })
  })

  afterAll(() => platform?.[Symbol.asyncDispose]())

  test('a version that fails every second page leaves before its first check', async () => {
    const before = await app.counts()
    await app.setImage('5.0.0')
    const { run, canary } = await app.ended('5.0.0')
    expect(run.status).toMatchObject({ phase: 'Failed', reason: 'MetricFailed' })
    expect(rulesOf(run)).toEqual(['analysis.guard.errorShare by the guard'])
    expect(canary.status?.canaryWeight).toBe(0)
    expect((await answersSince(app, before)).counts['5.0.0']?.errors).toBeGreaterThan(0)
  })

  test('and explain says what was seen', async () => {
    const { out } = await platform.sluice('explain', 'web', '--namespace', 'shop')
    expect(out).toMatch(/request-success-rate: failed, rollback by analysis\.guard\.errorShare, between two checks/)
    expect(out).toMatch(/because +\d+ of \d+ requests failed: certainly more than 20%/)
  })

  test('a version whose pods crash leaves long before its deadline', async () => {
    expect(await platform.apply([crashingImage])).toMatchObject({ code: 0, err: '' })
    const set = await platform.kubectl('set', 'image', 'deployment/web', 'web=crash/web:6.0.0', '-n', 'shop')
    expect(set.code).toBe(0)
    const { run } = await app.ended('6.0.0')
    expect(run.status).toMatchObject({
      phase: 'Failed',
      reason: 'CanaryNotReady',
      message: expect.stringMatching(/every pod of .* crashes: container web ended with code 3/),
    })
  })

  test('the bad version of docs/getting-started.md never meets a user', async () => {
    const sample = (name: string) =>
      readFileSync(new URL(`../../samples/first-release/${name}.yaml`, import.meta.url), 'utf8')
    expect(await platform.apply(sample('shop'))).toMatchObject({ code: 0, err: '' })
    expect(await platform.sluice('wait', 'shop')).toMatchObject({ code: 0 })
    expect(await platform.apply(sample('traffic'))).toMatchObject({ code: 0, err: '' })
    const answers = async () => (await platform.kubectl('logs', 'deployment/traffic')).out
    await eventually(async () => expect(await answers()).toMatch(/^1\.0\.0: 200 x \d+$/m), { within: 60_000 })
    await platform.kubectl('set', 'image', 'deployment/shop', 'shop=samples/shop:3.0.0')
    expect(await platform.sluice('wait', 'shop')).toMatchObject({ code: 3 })
    expect(await answers()).not.toMatch(/3\.0\.0|50\d/)
  })
})

/** Its pods end as soon as they begin. */
const crashingImage = {
  apiVersion: 'local.sluice.dev/v1',
  kind: 'LocalImage',
  metadata: { name: 'crash-web' },
  spec: { repository: 'crash/web', argv: [process.execPath, '-e', 'process.exit(3)'] },
}

/** What decided, in every verdict of a run: a check would be among them. */
const rulesOf = (run: CanaryRun): readonly string[] =>
  (run.status?.steps ?? []).flatMap(({ verdicts }) =>
    verdicts.map(({ rule, guard }) => `${rule} by ${guard === true ? 'the guard' : 'a check'}`),
  )
