import { expect, test } from 'vitest'
import { secretKind } from '../../src/api/index.ts'
import { createSecretReader } from '../../src/controller/index.ts'
import { createMemoryCluster } from '../support/memory-client.ts'

test('a Secret is read decoded, and anew each time', async () => {
  const cluster = createMemoryCluster()
  const client = cluster.client()
  const secrets = createSecretReader(client)
  const ref = { namespace: 'team-a', name: 'credentials' }
  expect(await secrets.read(ref)).toBeUndefined()
  await client.create(secretKind, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: ref,
    data: { token: Buffer.from('tökén\n').toString('base64') },
  })
  expect(await secrets.read(ref)).toEqual({ token: 'tökén\n' })
  expect(await secrets.read({ ...ref, namespace: 'team-b' })).toBeUndefined()
})
