import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ImagePolicy, imagePolicyKind } from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { policyOf } from '../support/image-policy.ts'
import { BUILD_TIMEOUT_MS } from '../support/kube-binaries.ts'
import { type RunningRegistry, registrySkipReason, startRegistry } from '../support/registry.ts'
import { answersSince, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

const skipped = registrySkipReason() !== undefined || isKubectlMissing('image policies on the local platform')

describe.skipIf(skipped)('an ImagePolicy', () => {
  let registry: RunningRegistry
  let platform: SluiceLocal

  beforeAll(async () => {
    registry = await startRegistry()
    platform = await startSluiceLocal()
  }, BUILD_TIMEOUT_MS)

  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]()
    await registry?.[Symbol.asyncDispose]()
  })

  test('releases a tag that is pushed into its range, and no other', async () => {
    const namespace = 'followed'
    const repository = `${registry.host}/team/web`
    await registry.push('team/web', '1.0.0')
    const app = await startApp(platform, { namespace, repository })
    const before = await app.counts()
    const policy = policyOf({
      image: repository,
      semver: { range: '>=1.0.0 <3.0.0' },
      schedule: '* * * * * *',
      insecure: true,
    })
    const ref = { namespace, name: policy.metadata.name }
    await platform.client.create<ImagePolicy>(imagePolicyKind, { ...policy, metadata: ref })
    const statusOf = async () => (await platform.client.get(imagePolicyKind, ref))?.status
    const ready = { type: 'Ready', status: 'True', reason: 'UpToDate' }
    await eventually(async () => expect(await statusOf()).toMatchObject({ latestTag: '1.0.0', conditions: [ready] }))

    await registry.push('team/web', '3.0.0', 'latest', '2.0.0')
    const { run } = await app.ended('2.0.0')
    expect([run.status?.phase, run.spec.images]).toEqual(['Succeeded', [`${repository}:2.0.0`]])
    expect(run.status?.steps.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['mirror', 'passed'],
      ['weight', 'passed'],
    ])
    expect(await statusOf()).toMatchObject({ latestTag: '2.0.0', conditions: [ready] })
    const { counts, failures } = await answersSince(app, before)
    expect(counts['2.0.0']?.requests).toBeGreaterThan(0)
    expect(failures).toEqual([])
    const events = await platform.kubectl('get', 'events', '-n', namespace, '-o', 'jsonpath={.items[*].message}')
    expect(events.out).toContain(`Deployment web: container web from ${repository}:1.0.0 to ${repository}:2.0.0`)
    expect(events.out).not.toContain('3.0.0')
  })
})
