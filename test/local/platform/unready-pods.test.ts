import { expect, test } from 'vitest'
import { podKind } from '../../../src/api/index.ts'
import { markPodsUnready } from '../../../src/local/platform/unready-pods.ts'
import { createMemoryApi } from '../../support/memory-api.ts'

test('no pod of an earlier run is ready', async () => {
  const client = createMemoryApi(() => 0).client('platform')
  const readiness = { a: 'True', b: 'False' } as const
  for (const [name, status] of Object.entries(readiness)) {
    const metadata = { name, namespace: 'shop' }
    const spec = { containers: [{ name: 'web', image: 'web:1' }] }
    await client.create(podKind, { apiVersion: 'v1', kind: 'Pod', metadata, spec })
    const conditions = [
      { type: 'PodScheduled', status: 'True' },
      { type: 'Ready', status },
    ]
    await client.patch(podKind, metadata, { status: { conditions } }, { type: 'merge', subresource: 'status' })
  }
  await markPodsUnready(client)
  const { items } = await client.list(podKind)
  expect(items.map(({ status }) => status?.conditions?.map((each) => `${each.type}=${each.status}`))).toEqual([
    ['PodScheduled=True', 'Ready=False'],
    ['PodScheduled=True', 'Ready=False'],
  ])
})
