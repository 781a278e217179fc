import { execFile } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { podKind } from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { networkSkipReason } from '../../support/pod-network.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../../support/sluice-local.ts'

const what = 'sluice local --isolation=netns'
const isSkipped = networkSkipReason(what) !== undefined || isKubectlMissing(what)

const program = `require('node:http').createServer(({ headers }, response) =>
  response.end(JSON.stringify({ headers, told: Object.keys(process.env) }))).listen(80)`

const image = {
  apiVersion: 'local.sluice.dev/v1',
  kind: 'LocalImage',
  metadata: { name: 'web' },
  spec: { repository: 'web', argv: [process.execPath, '-e', program] },
}

const labels = (app: string) => ({ app, 'sidecar.istio.io/inject': 'true' })
const pod = (app: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: app, namespace: 'default', labels: labels(app) },
  spec: {
    serviceAccountName: app,
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'web',
        image: 'web:1',
        ports: [{ name: 'http', containerPort: 80 }],
        readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
      },
    ],
  },
})
const service = (app: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: app, namespace: 'default' },
  spec: { selector: { app }, ports: [{ name: 'http', port: 8000, targetPort: 80 }] },
})
const strict = {
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'default', namespace: 'default' },
  spec: { mtls: { mode: 'STRICT' } },
}

const run = (command: string, ...args: readonly string[]) =>
  new Promise<{ readonly code: number; readonly out: string }>((resolve) => {
    execFile(command, [...args], (error, out) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), out }))
  })

describe.skipIf(isSkipped)('sluice local --isolation=netns', () => {
  let local: SluiceLocal
  beforeAll(async () => {
    local = await startSluiceLocal('--isolation', 'netns')
    const objects = [image, pod('client'), pod('web'), service('web'), strict]
    expect(await local.apply(objects)).toMatchObject({ code: 0, err: '' })
  }, 180_000)
  afterAll(() => local?.[Symbol.asyncDispose]())

  const namespaceOf = async (name: string) => {
    const found = await local.client.get(podKind, { namespace: 'default', name })
    return `sluice-${found?.status?.podIP?.split('.').slice(1).join('-')}`
  }

  test('pods have addresses and ports of their own, and their programs know nothing of it', async () => {
    await eventually(
      async () => {
        const { out } = await local.kubectl(
          'get',
          'pods',
          '-o',
          'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}',
        )
        expect(out).toBe('True True')
      },
      { within: 60_000 },
    )
    const client = await namespaceOf('client')
    const answer = await eventually(
      async () => {
        const { out } = await run('ip', 'netns', 'exec', client, 'curl', '-sS', '--max-time', '5', 'http://web:8000/')
        return JSON.parse(out)
      },
      { within: 30_000 },
    )
    expect(answer.headers['x-forwarded-client-cert']).toContain('URI=spiffe://cluster.local/ns/default/sa/client')
    expect(answer.told.filter((name: string) => /^(HOST|PORT|.*_proxy)$/i.test(name))).toEqual([])
  })

  test('who has no sidecar is refused', async () => {
    const web = await local.client.get(podKind, { namespace: 'default', name: 'web' })
    const url = `http://${web?.status?.podIP}/`
    // Of the pod’s own network, past the client’s sidecar: as user 1337 it is let go.
    const plain = ['setpriv', '--reuid=1337', '--regid=1337', '--clear-groups', 'curl', '-sS', '--max-time', '5', url]
    await eventually(async () =>
      expect(await run('ip', 'netns', 'exec', await namespaceOf('client'), ...plain)).toMatchObject({ out: '' }),
    )
  })

  test('nothing of it is left when it ends', async () => {
    const before = (await run('ip', 'netns', 'list')).out
    const own = [await namespaceOf('client'), await namespaceOf('web')]
    expect(own.every((name) => before.includes(name))).toBe(true)
    await local.process.stop({ graceMs: 30_000 })
    const after = (await run('ip', 'netns', 'list')).out
    expect(own.filter((name) => after.includes(name))).toEqual([])
  })
})
