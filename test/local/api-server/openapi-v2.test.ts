import { execFile } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { feed } from '../../support/feed.ts'
import { type LocalApiServer, startLocalApiServer } from '../../support/local-api-server.ts'
import { isKubectlMissing } from '../../support/sluice-local.ts'

let api: LocalApiServer

beforeAll(async () => {
  api = await startLocalApiServer()
})

afterAll(() => api?.stop())

const apply = (input: object): Promise<{ readonly code: number; readonly out: string; readonly err: string }> =>
  new Promise((resolve) => {
    const words = ['--kubeconfig', api.kubeconfig, 'apply', '-f', '-']
    const child = execFile('kubectl', words, (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }))
    feed(child, JSON.stringify(input))
  })

const configMap = (more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'default' },
  ...more,
})

describe.skipIf(isKubectlMissing('kubectl apply of lists'))('kubectl', () => {
  test('applies a list, as `kubectl get -o json` prints it', async () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [configMap()] }
    expect(await apply(list)).toEqual({ code: 0, out: 'configmap/settings created\n', err: '' })
  })

  test('has the server refuse unknown fields of a list’s objects', async () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [configMap({ dataa: {} })] }
    expect((await apply(list)).err).toContain('unknown field "dataa"')
  })

  test('says that nobody serves a kind', async () => {
    const refused = await apply(configMap({ kind: 'ConfigMapp' }))
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('no matches for kind "ConfigMapp"') })
  })
})

test('version 2 is a document for whoever reads JSON, too', async () => {
  expect((await api.request('GET', '/openapi/v2')).body).toMatchObject({ swagger: '2.0', paths: {} })
})
