import { expect, test } from 'vitest'
import { type Pod, podKind } from '../../../src/api/index.ts'
import { markPodsUnready } from '../../../src/local/platform/unready-pods.ts'
import { createMemoryApi } from '../../support/memory-api.ts'

const podOf = (name: string, ready: 'True' | 'False'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop' },
  spec: { containers: [{ name: 'web', image: 'web:1' }] },
  status: {
    phase: 'Running',
    conditions: [
      { type: 'PodScheduled', status: 'True' },
      { type: 'Ready', status: ready },
    ],
  },
})

test('no pod of an earlier run is ready', async () => {
  const client = createMemoryApi(() => 0).client('platform')
  await client.create(podKind, podOf('a', 'True'))
  await client.create(podKind, podOf('b', 'False'))
  await markPodsUnready(client)
  const { items } = await client.list(podKind)
  expect(items.map(({ status }) => status?.conditions?.map(({ type, status: is }) => `${type}=${is}`))).toEqual([
    ['PodScheduled=True', 'Ready=False'],
    ['PodScheduled=True', 'Ready=False'],
  ])
})
