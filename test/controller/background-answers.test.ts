import { describe, expect, test } from 'vitest'
import { abortAnnotation, canaryKind } from '../../src/api/index.ts'
import { startedCluster } from '../support/release-cluster.ts'

const webhooks = [
  { name: 'load', type: 'rollout', url: 'http://hooks/' },
  { name: 'undo', type: 'rollback', url: 'http://hooks/' },
]

describe('what does not answer', () => {
  test.each(['analyst', 'load'])('%s holds neither a newer revision nor an operator', async (name) => {
    const { cluster, stop } = await startedCluster({ analysis: { webhooks: [webhooks[0]] } })
    cluster.hanging.add(name)
    await cluster.setImage('web:2')
    await cluster.until('it is asked', () => cluster.measured.length > 0)
    await cluster.setImage('web:3')
    await cluster.until('the newer one', () => cluster.runs().length === 2)
    expect(cluster.runs()[0]?.status?.phase).toBe('Superseded')
    const measured = cluster.measured.length
    await cluster.until('it is asked again', () => cluster.measured.length > measured)
    await cluster.user.patch(
      canaryKind,
      { namespace: 'default', name: 'web' },
      { metadata: { annotations: { [abortAnnotation]: cluster.canary().status?.lastAppliedSpec } } },
      { type: 'merge' },
    )
    await cluster.until('the end', () => cluster.canary().status?.phase === 'Failed')
    expect(cluster.canary().status?.message).toContain('an operator aborted')
    await stop()
  })

  test('a question is asked once, however often the release is looked at meanwhile', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.hanging.add('analyst')
    await cluster.setImage('web:2')
    await cluster.until('it is asked', () => cluster.measured.length > 0)
    for (const count of [1, 2, 3]) {
      const annotations = { looked: String(count) }
      const ref = { namespace: 'default', name: 'web' }
      await cluster.user.patch(canaryKind, ref, { metadata: { annotations } }, { type: 'merge' })
      await cluster.pass(2_000)
    }
    expect(cluster.measured).toHaveLength(1)
    await stop()
  })

  test('one hook that hangs does not keep another from ending the run', async () => {
    const { cluster, stop } = await startedCluster({ analysis: { webhooks } })
    cluster.gates = { undo: false }
    cluster.hanging.add('load')
    await cluster.setImage('web:2')
    await cluster.until('it is asked', () => cluster.called.some(({ hook }) => hook === 'load'))
    cluster.gates = { undo: true }
    await cluster.until('the end', () => cluster.canary().status?.phase === 'Failed')
    expect(cluster.runs().map(({ status }) => status?.reason)).toEqual(['RollbackRequested'])
    await stop()
  })
})

test("webhooks get Flagger's payload, and those of type event every event", async () => {
  const hooks = [...webhooks, { name: 'log', type: 'event', url: 'http://hooks/', metadata: { team: 'shop' } }]
  const { cluster, stop } = await startedCluster({ analysis: { webhooks: hooks } })
  cluster.gates = { undo: false }
  cluster.hanging.add('log')
  await cluster.setImage('web:2')
  await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
  await cluster.until('checked', () => cluster.called.filter(({ hook }) => hook === 'load').length >= 2)
  const revision = cluster.canary().status?.lastAppliedSpec
  expect(cluster.called.filter(({ hook }) => hook === 'load').at(-1)?.payload).toEqual({
    name: 'web',
    namespace: 'default',
    phase: 'Progressing',
    checksum: revision,
    buildId: revision,
    type: 'rollout',
    failedChecks: 0,
    canaryWeight: 20,
    iterations: 0,
    remainingTime: 20_000_000_000,
  })
  const events = cluster.called.filter(({ hook }) => hook === 'log')
  expect(events.map(({ metadata, payload }) => [payload.type, metadata])).toContainEqual([
    'event',
    {
      team: 'shop',
      eventMessage: expect.stringContaining('gets 20% of the requests'),
      eventType: 'Normal',
      timestamp: expect.stringMatching(/^\d+$/),
    },
  ])
  await cluster.until('success', () => cluster.canary().status?.phase === 'Succeeded')
  await stop()
})
