import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { allCustomResourceDefinitions } from '../../src/api/index.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/directory.ts'
import { type LocalApiServer, startLocalApiServer } from '../support/local-api-server.ts'
import { rawCanary } from '../support/raw-canary.ts'
import { at, runOf, verdict } from '../support/recorded-run.ts'
import { runSluice } from '../support/run-sluice.ts'

const RESOURCES = '/apis/sluice.dev/v1/namespaces/default'
const run = runOf([10, 20, 30].map((second) => verdict(second, [100, 8], [400, 0])))

let kube: LocalApiServer
let folder: TemporaryDirectory
const sluice = (...words: readonly string[]) => runSluice(words, kube.kubeconfig)

beforeAll(async () => {
  folder = await temporaryDirectory()
  kube = await startLocalApiServer()
  await applyCrds(kube, allCustomResourceDefinitions)
  await put('canaries', { ...rawCanary(), status: { runName: run.metadata.name } }, 'web')
  await put('canaryruns', run, run.metadata.name)
  const metrics = [{ name: 'request-success-rate', comparison: {} }]
  await writeFile(join(folder.path, 'canary.yaml'), stringify(rawCanary({ analysis: { metrics } })))
  await writeFile(join(folder.path, 'other.yaml'), 'kind: Service\n')
})
afterAll(async () => {
  await kube?.stop()
  await folder?.[Symbol.asyncDispose]()
})

async function put(resource: string, object: object, name: string): Promise<void> {
  const made = await kube.request('POST', `${RESOURCES}/${resource}`, { body: object })
  expect(made.status).toBe(201)
  const body = { ...object, metadata: made.body.metadata }
  const written = await kube.request('PUT', `${RESOURCES}/${resource}/${name}/status`, { body })
  expect(written.status).toBe(200)
}

describe('a recorded run', () => {
  test('explain shows what the API server kept of it: both arms, the rule and the query', async () => {
    const { code, out } = await sluice('explain', 'web')
    expect(code).toBe(0)
    expect(out).toContain('weight 20%: passed')
    expect(out).toContain('compared 8 of 100 requests with 0 of 400 of the primary')
    const json = await sluice('explain', 'web', '-o', 'json')
    expect(JSON.parse(json.out)).toMatchObject({ schemaVersion: 1, run: { status: run.status } })
  })

  test('replay says what other settings would have made of it', async () => {
    const { code, out } = await sluice('replay', 'web-3', '--with', join(folder.path, 'canary.yaml'))
    expect(code).toBe(0)
    expect(out).toContain(
      `It would have been rolled back at ${at(30)}, weight 20%, failed check 1: 24 of 300 (8%) failed`,
    )
  })

  test.each([
    ['explain a canary that is not there', () => ['explain', 'nobody'], 5, /there is no canary default\/nobody/],
    ['explain a run of another', () => ['explain', 'web', '--run', 'other-1'], 5, /has no run other-1/],
    [
      'replay a run that is not there',
      () => ['replay', 'web-9', '--with', join(folder.path, 'canary.yaml')],
      5,
      /web-9/,
    ],
    [
      'replay by a file that is not there',
      () => ['replay', 'web-3', '--with', '/nowhere'],
      2,
      /--with \/nowhere: ENOENT/,
    ],
    [
      'replay by no Canary',
      () => ['replay', 'web-3', '--with', join(folder.path, 'other.yaml')],
      2,
      /it has 0 canaries/,
    ],
  ] as const)('%s', async (_, words, code, text) => {
    const ended = await sluice(...words())
    expect([ended.code, ended.err]).toEqual([code, expect.stringMatching(text)])
  })
})
