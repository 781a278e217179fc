import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canaryKind } from '../../src/api/index.ts'
import { badObjects } from '../support/bad-objects.ts'
import { eventually } from '../support/eventually.ts'
import { appCanary, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

describe.skipIf(isKubectlMissing('bad input on the local platform'))('bad input', () => {
  let platform: SluiceLocal

  beforeAll(async () => {
    platform = await startSluiceLocal()
  })

  afterAll(() => platform?.[Symbol.asyncDispose]())

  const conditionOf = async (namespace: string, name: string, type: string) => {
    const canary = await platform.client.get(canaryKind, { namespace, name })
    return canary?.status?.conditions?.find((condition) => condition.type === type)
  }

  const stalledAs = (namespace: string, name: string, expected: object) =>
    eventually(async () => expect(await conditionOf(namespace, name, 'Stalled')).toMatchObject(expected), {
      what: `${namespace}/${name} stalls`,
    })

  test('what breaks a rule is refused with the path of the field, and nothing of it is kept', async () => {
    // One kubectl for all: it goes on after a refusal, and says each.
    const named = badObjects.map(({ object }, index) => {
      const { metadata } = object as { metadata: object }
      return { ...object, metadata: { ...metadata, name: `bad-${index}` } }
    })
    const { code, out, err } = await platform.apply(named)
    expect([code, out]).toEqual([1, ''])
    const refusals = badObjects.map((_, index) => err.split('\n').find((line) => line.includes(`"bad-${index}"`)) ?? '')
    const missing = badObjects.filter(({ field, message }, index) => {
      const refusal = refusals[index]?.replaceAll('\\"', '"') ?? ''
      return !(refusal.includes(` ${field}: `) && refusal.includes(message))
    })
    expect(missing.map(({ rule, field, message }) => ({ rule, field, message }))).toEqual([])
    const kept = await platform.kubectl('get', 'canaries,alertproviders,metrictemplates', '-A')
    expect(kept).toMatchObject({ code: 0, out: '', err: expect.stringContaining('No resources found') })
  })

  test('an unknown field, a wrong type and a broken file are refused, too', async () => {
    const typo = { ...appCanary({ namespace: 'default' }) } as { spec: object }
    const refused = await platform.apply([{ ...typo, spec: { ...typo.spec, anaylsis: {} } }])
    expect(refused.err).toContain('unknown field "spec.anaylsis"')
    const wrong = await platform.apply([{ ...typo, spec: { ...typo.spec, progressDeadlineSeconds: 'soon' } }])
    expect(wrong.err).toMatch(/spec\.progressDeadlineSeconds.*(integer|string)/)
    expect((await platform.apply('apiVersion: sluice.dev/v1\nkind: Canary\n  metadata: [')).err).toContain('error')
  })

  test.concurrent('a Canary of a missing Deployment stalls, and goes on when it appears', async ({ expect }) => {
    const namespace = 'absent'
    const space = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    expect(await platform.apply([space, appCanary({ namespace })])).toMatchObject({ code: 0 })
    await stalledAs(namespace, 'web', {
      status: 'True',
      reason: 'TargetNotFound',
      message: 'Deployment web does not exist: create it or correct spec.targetRef.name',
    })
    const shown = await platform.sluice('get', 'canary', '-n', namespace)
    expect(shown.out).toContain('Deployment web does not exist')
    await startApp(platform, { namespace })
    expect(await conditionOf(namespace, 'web', 'Stalled')).toMatchObject({ status: 'False' })
    expect(await conditionOf(namespace, 'web', 'Ready')).toMatchObject({ status: 'True' })
  })

  test.concurrent('the younger of two Canaries on one Deployment stands back until the other is gone', async ({
    expect,
  }) => {
    const namespace = 'claimed'
    const app = await startApp(platform, { namespace })
    const second = appCanary({ namespace }) as { metadata: object }
    await platform.apply([{ ...second, metadata: { name: 'web-again', namespace } }])
    await stalledAs(namespace, 'web-again', {
      status: 'True',
      reason: 'TargetClaimed',
      message: 'Canary web releases Deployment web or its Services already: delete one of the two',
    })
    // The older one goes on as if nothing were.
    await app.setImage('5.0.0')
    expect((await app.ended('5.0.0')).run.status?.phase).toBe('Failed')
    expect(await conditionOf(namespace, 'web-again', 'Stalled')).toMatchObject({ reason: 'TargetClaimed' })
    expect(await platform.kubectl('delete', 'canary', 'web-again', '-n', namespace)).toMatchObject({ code: 0 })
  })

  test.concurrent('an image that no LocalImage names rolls back, and says how to register it', async ({ expect }) => {
    const namespace = 'unknown'
    // Long enough for a busy machine to look at the pod before it is taken away.
    const app = await startApp(platform, { namespace, spec: { progressDeadlineSeconds: 20 } })
    const before = await app.counts()
    await platform.kubectl('set', 'image', 'deployment/web', 'web=nobody/knows:1.0.0', '-n', namespace)
    await eventually(
      async () => {
        const { out } = await platform.kubectl('describe', 'pods', '-n', namespace, '-l', 'app=web')
        expect(out).toMatch(/ErrImagePull|ImagePullBackOff/)
        expect(out).toContain('no LocalImage says which program "nobody/knows" is')
      },
      { within: 60_000, what: 'the reason on the pod' },
    )
    const { run } = await app.ended('1.0.0')
    expect([run.status?.phase, run.status?.reason]).toEqual(['Failed', 'ProgressDeadlineExceeded'])
    expect((await app.counts()).failures).toEqual(before.failures)
  })

  test('what holds secrets is its owner’s alone', () => {
    const files = ['kubeconfig', 'xds-token-key', 'api-server/token', 'api-server/server.key']
    const journal = readdirSync(join(platform.directory, 'api-server/state')).map((name) => `api-server/state/${name}`)
    const modes = [...files, ...journal].map((name) => [name, statSync(join(platform.directory, name)).mode & 0o777])
    expect(modes).toEqual([...files, ...journal].map((name) => [name, 0o600]))
    expect(statSync(platform.directory).mode & 0o777).toBe(0o700)
  })
})
