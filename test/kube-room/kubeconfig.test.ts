import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { configMapKind } from '../../src/api/index.ts'
import { createKubeClient } from '../../src/kube/index.ts'
import { startScriptedApiServer } from '../support/scripted-api-server.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-kubeconfig-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function writeKubeconfig(server: string, user: object): Promise<string> {
  const path = join(folder, 'config')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
  }
  await writeFile(path, stringify(config))
  return path
}

async function writePlugin(): Promise<string> {
  const path = join(folder, 'plugin.sh')
  const answer = JSON.stringify({
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'from-plugin' },
  })
  await writeFile(path, `#!/bin/sh\necho '${answer}'\n`)
  await chmod(path, 0o700)
  return path
}

test.each([
  ['a token', async () => ({ token: 'abc' }), 'Bearer abc'],
  ['a user name and password', async () => ({ username: 'me', password: 'pw' }), 'Basic bWU6cHc='],
  [
    'an exec plugin',
    async () => ({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: await writePlugin() } }),
    'Bearer from-plugin',
  ],
])('a kubeconfig with %s authenticates', async (_, user, authorization) => {
  await using server = await startScriptedApiServer()
  const kubeconfig = await writeKubeconfig(`${server.url}/`, await user())
  const client = createKubeClient({ kubeconfig, fieldManager: 'test' })
  await client.list(configMapKind)
  expect(server.requests.map((each) => each.headers.authorization)).toEqual([authorization])
})

test('a kubeconfig that is not there is named, and is read again later', async () => {
  await using server = await startScriptedApiServer()
  const kubeconfig = join(folder, 'config')
  const client = createKubeClient({ kubeconfig, fieldManager: 'test' })
  await expect(client.list(configMapKind)).rejects.toMatchObject({
    code: 0,
    reason: 'InvalidKubeConfig',
    message: expect.stringContaining(`the kubeconfig ${kubeconfig} cannot be read`),
  })
  await writeKubeconfig(server.url, { token: 'abc' })
  expect(await client.list(configMapKind)).toEqual({ items: [], resourceVersion: '100' })
})

test('a plugin that fails is a clear error', async () => {
  const kubeconfig = await writeKubeconfig('http://127.0.0.1:1', { exec: { command: '/bin/false' } })
  const client = createKubeClient({ kubeconfig, fieldManager: 'test' })
  await expect(client.list(configMapKind)).rejects.toMatchObject({
    reason: 'InvalidKubeConfig',
    message: expect.stringContaining('run its exec plugin by hand'),
  })
})
