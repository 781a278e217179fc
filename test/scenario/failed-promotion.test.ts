import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canaryKind, deploymentKind, localImageKind, podKind } from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { answersSince, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

const namespace = 'stuck'

describe.skipIf(isKubectlMissing('failed promotions on the local platform'))('a promotion that fails', () => {
  let platform: SluiceLocal

  beforeAll(async () => {
    platform = await startSluiceLocal()
  })

  afterAll(() => platform?.[Symbol.asyncDispose]())

  test('leaves users on ready pods, and a fix goes out by itself', async () => {
    const app = await startApp(platform, {
      namespace,
      repository: 'stuck/web',
      spec: { progressDeadlineSeconds: 20 },
      analysis: { manualGates: ['confirm-promotion'] },
      requestsPerSecond: 50,
    })
    const before = await app.counts()
    const containers = [{ name: 'web', image: 'stuck/web:2.0.0' }]
    const image = { spec: { template: { spec: { containers } } } }
    await platform.client.patch(deploymentKind, { namespace, name: 'web' }, image, { type: 'strategic' })
    await app.until('it waits at the gate', ({ status }) => expect(status?.phase).toBe('WaitingPromotion'))
    // The registry is gone between the last step and the promotion: what runs goes on, what starts does not.
    await platform.client.delete(localImageKind, { name: namespace })
    const openGate = { spec: { analysis: { manualGates: null } } }
    await platform.client.patch(canaryKind, { namespace, name: 'web' }, openGate, { type: 'merge' })

    const failed = await app.until('the promotion fails', ({ status }) => expect(status?.phase).toBe('Failed'), 120_000)
    expect(failed.status?.message).toMatch(/traffic stays on ready pods and .+ keeps running$/)
    await eventually(
      async () => {
        const { items } = await platform.client.list(podKind, { namespace, labelSelector: 'app=web-primary' })
        expect(items.map(({ spec }) => spec.containers[0]?.image).toSorted()).toEqual([
          'stuck/web:1.0.0',
          'stuck/web:2.0.0',
        ])
      },
      { within: 30_000 },
    )

    await app.setImage('2.1.0')
    await app.until('the fix is promoted', ({ status }) => expect(status?.phase).toBe('Succeeded'), 120_000)
    const { counts, failures } = await answersSince(app, before)
    expect(failures).toEqual([])
    expect(counts['2.1.0']?.requests).toBeGreaterThan(0)
    const primary = await platform.client.get(deploymentKind, { namespace, name: 'web-primary' })
    expect(primary?.spec.template.spec.containers[0]?.image).toBe('demo/web:2.1.0')
  }, 400_000)
})
