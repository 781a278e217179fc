import { afterAll, beforeAll, describe, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startServer, type TestServer } from '../support/http-server.ts'
import { answersSince, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

interface Payload {
  readonly name: string
  readonly namespace: string
  readonly phase: string
  readonly checksum: string
  readonly type: string
  readonly metadata: Readonly<Record<string, string>>
}

describe.skipIf(isKubectlMissing('webhooks on the local platform'))('webhooks', () => {
  let platform: SluiceLocal
  let hooks: TestServer
  /** Paths that say no, with their status; null never answers. */
  const refusals = new Map<string, number | null>([
    ['/gated/confirm-rollout', 403],
    ['/gated/confirm-promotion', 428],
    ['/unready/pre-rollout', 500],
    ['/unloaded/rollout', null],
  ])

  beforeAll(async () => {
    hooks = await startServer((response, { path }) => {
      const refusal = refusals.get(path)
      if (refusal !== null) response.writeHead(refusal ?? 200).end('an answer that nobody must see: hunter2')
    })
    platform = await startSluiceLocal()
  })

  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]()
    await hooks?.[Symbol.asyncDispose]()
  })

  const types = [
    'confirm-rollout',
    'pre-rollout',
    'rollout',
    'confirm-traffic-increase',
    'confirm-promotion',
    'post-rollout',
    'event',
  ] as const
  const webhooks = (namespace: string) =>
    types.map((type) => ({
      name: `the-${type}`,
      type,
      url: `${hooks.url}/${namespace}/${type}`,
      // On a busy machine an answer may take a while; only one that never comes must be given up soon.
      timeout: refusals.get(`/${namespace}/${type}`) === null ? '1s' : '20s',
      metadata: { team: 'shop', kind: type },
    }))

  const calls = (namespace: string, type: string): readonly Payload[] =>
    hooks.requests
      .filter(({ path, method }) => path === `/${namespace}/${type}` && method === 'POST')
      .map(({ body }) => JSON.parse(body) as Payload)

  test.concurrent('gates hold a release until they let it go on, with Flagger’s payload', async ({ expect }) => {
    const app = await startApp(platform, { namespace: 'gated', analysis: { webhooks: webhooks('gated') } })
    const before = await app.counts()
    await app.setImage('2.0.0')

    const waiting = await app.until('it waits', ({ status }) => {
      expect([status?.phase, status?.message]).toEqual([
        'Waiting',
        'waiting for confirmation: hook "the-confirm-rollout" answered 403',
      ])
    })
    // A gate that says no is asked again, and nothing of the new version runs.
    await eventually(() => calls('gated', 'confirm-rollout').length >= 2, { what: 'the gate is asked again' })
    expect(calls('gated', 'pre-rollout')).toEqual([])
    expect((await answersSince(app, before)).counts['2.0.0']).toBeUndefined()
    const checksum = waiting.status?.lastAppliedSpec ?? ''
    const payload = { name: 'web', namespace: 'gated', checksum, metadata: { team: 'shop' } }
    expect(calls('gated', 'confirm-rollout').at(-1)).toEqual({
      ...payload,
      phase: 'Waiting',
      buildId: checksum,
      type: 'confirm-rollout',
      failedChecks: 0,
      canaryWeight: 0,
      iterations: 0,
      remainingTime: 8_000_000_000,
      metadata: { team: 'shop', kind: 'confirm-rollout' },
    })

    refusals.delete('/gated/confirm-rollout')
    const held = await app.until('it waits for promotion', ({ status }) => {
      expect([status?.phase, status?.canaryWeight, status?.message]).toEqual([
        'WaitingPromotion',
        50,
        'waiting for confirmation: hook "the-confirm-promotion" answered 428',
      ])
    })
    expect(held.status?.lastAppliedSpec).toBe(checksum)
    const preparations = calls('gated', 'pre-rollout')
    expect(preparations.map(({ phase, checksum: of }) => [phase, of])).toEqual([['Progressing', checksum]])
    const checks = calls('gated', 'rollout').length
    expect(checks).toBeGreaterThanOrEqual(2)
    // The analysis goes on while the gate holds.
    await eventually(() => calls('gated', 'rollout').length > checks, { what: 'checks while it waits' })
    expect((await app.canary()).status?.canaryWeight).toBe(50)

    refusals.delete('/gated/confirm-promotion')
    const { run } = await app.ended('2.0.0')
    expect([run.status?.phase, run.status?.message]).toEqual([
      'Succeeded',
      expect.stringContaining(`(${checksum}) is promoted`),
    ])
    const phases = [...new Set(calls('gated', 'confirm-promotion').map(({ phase }) => phase))]
    expect(phases).toEqual(['WaitingPromotion'])
    await eventually(() => calls('gated', 'post-rollout').length > 0, { what: 'the call after the end' })
    expect(calls('gated', 'post-rollout').map(({ phase }) => phase)).toEqual(['Succeeded'])
    expect(calls('gated', 'confirm-traffic-increase').map(({ phase }) => phase)).toEqual(['Progressing'])
    const events = calls('gated', 'event').map(({ metadata }) => metadata.eventMessage)
    expect(events).toContain(`web:2.0.0 (${checksum}) gets 50% of the requests`)
    const { failures } = await answersSince(app, before)
    expect(failures).toEqual([])
    expect(JSON.stringify(await app.canary()) + platform.logOf('controller')).not.toContain('hunter2')
  })

  test.concurrent('a pre-rollout hook that fails ends the release before any traffic', async ({ expect }) => {
    const app = await startApp(platform, { namespace: 'unready', analysis: { webhooks: webhooks('unready') } })
    const before = await app.counts()
    await app.setImage('2.0.0')
    const { run } = await app.ended('2.0.0')
    expect([run.status?.phase, run.status?.message, run.status?.steps]).toEqual([
      'Failed',
      'hook "the-pre-rollout" answered 500 (failed check 1 of 1)',
      [],
    ])
    expect((await answersSince(app, before)).counts['2.0.0']).toBeUndefined()
  })

  test.concurrent('a rollout hook that does not answer in time is a failed check', async ({ expect }) => {
    const app = await startApp(platform, { namespace: 'unloaded', analysis: { webhooks: webhooks('unloaded') } })
    await app.setImage('2.0.0')
    const { run } = await app.ended('2.0.0')
    expect(run.status?.phase).toBe('Failed')
    expect(run.status?.message).toBe('hook "the-rollout" failed: no answer within 1 s (failed check 1 of 1)')
    expect(run.status?.steps.map(({ kind, outcome }) => [kind, outcome])).toEqual([['mirror', 'failed']])
  })
})
