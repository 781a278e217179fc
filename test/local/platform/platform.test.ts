import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configMapKind, localImageKind, type Pod, podKind, publishedPort } from '../../../src/api/index.ts'
import { createKubeClient, type KubeClient } from '../../../src/kube/index.ts'
import type { LocalPlatform } from '../../../src/local/index.ts'
import { eventually } from '../../support/eventually.ts'
import { getText } from '../../support/get-text.ts'
import { barePod, scriptImage } from '../../support/local-cluster.ts'
import { buildPlatform, processesNaming } from '../../support/local-platform.ts'

const dataDirectory = mkdtempSync(join(tmpdir(), 'sluice-platform-'))
let stop: AbortController
let platform: LocalPlatform
let client: KubeClient
let running: Promise<void>

async function start(): Promise<void> {
  stop = new AbortController()
  platform = await buildPlatform({ dataDirectory })
  running = platform.start(stop.signal)
  await platform.ready
  client = createKubeClient({ kubeconfig: platform.kubeconfigPath, fieldManager: 'test' })
}

async function end(): Promise<void> {
  stop.abort()
  await running
}

beforeAll(start)

afterAll(async () => {
  await end()
  rmSync(dataDirectory, { recursive: true })
})

const web = scriptImage(
  'test/web',
  `require('http').createServer((_, response) => response.end('hello')).listen(8080, process.env.HOST)`,
)

const meshed = (name: string): Pod => {
  const readinessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1 }
  const pod = barePod(name, { ports: [{ containerPort: 8080 }], readinessProbe })
  return { ...pod, metadata: { ...pod.metadata, labels: { app: name, 'sidecar.istio.io/inject': 'true' } } }
}

const untilReady = (name: string) =>
  eventually(
    async () => {
      const pod = await client.get(podKind, { namespace: 'default', name })
      expect(pod?.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
      return pod
    },
    { within: 60_000, what: `${name} is ready` },
  )

const childNamed = (part: string) => processesNaming(dataDirectory).find(({ command }) => command.includes(part))?.pid

/** Everything here starts real processes: a busy machine is no failure. */
const patience = { timeout: 240_000 }

describe('the platform', patience, () => {
  test('keeps its secrets to its owner', () => {
    const modes = ['kubeconfig', 'xds-token-key'].map((name) => statSync(join(dataDirectory, name)).mode & 0o777)
    expect(modes).toEqual([0o600, 0o600])
    expect(platform.describe()).toBe(
      [
        `export KUBECONFIG=${dataDirectory}/kubeconfig`,
        `API server  https://${platform.block}.0.1:6443`,
        `Prometheus  http://${platform.block}.0.1:9090`,
      ].join('\n'),
    )
  })

  test('turns a second one on its data directory away', async () => {
    const second = await buildPlatform({ dataDirectory })
    await expect(second.start(new AbortController().signal)).rejects.toThrow(
      `the data directory ${dataDirectory} is in use by process ${process.pid}`,
    )
    await expect(second.ready).rejects.toThrow('is in use by process')
  })

  test('serves a meshed pod through its sidecar, and Prometheus scrapes it', async () => {
    await client.apply(localImageKind, web)
    await client.apply(podKind, meshed('web'))
    const pod = await untilReady('web')
    expect(await (await fetch(`http://${pod?.status?.podIP}:8080/`)).text()).toBe('hello')
    const query = new URL('/api/v1/query', platform.prometheusUrl)
    query.searchParams.set('query', 'istio_requests_total{reporter="destination",pod="web"} > 0')
    await eventually(
      async () => {
        const { data } = (await (await fetch(query)).json()) as { data: { result: { metric: object }[] } }
        expect(data.result[0]?.metric).toMatchObject({ namespace: 'default', app: 'web', response_code: '200' })
      },
      { within: 60_000 },
    )
  })

  test('moves a port that needs root up, for the program and for its clients', async () => {
    const script = `require('http').createServer((_, response) => response.end('low')).listen(process.env.PORT, process.env.HOST)`
    await client.apply(localImageKind, scriptImage('test/low', script))
    const pod = meshed('low')
    const readinessProbe = { httpGet: { port: 80 }, periodSeconds: 1 }
    const container = { name: 'main', image: 'test/low:1', ports: [{ containerPort: 80 }], readinessProbe }
    await client.apply(podKind, { ...pod, spec: { containers: [container] } })
    const host = (await untilReady('low'))?.status?.podIP ?? ''
    expect(await getText({ host, port: publishedPort(80) })).toBe('low')
  })

  test.each(['mesh', 'controller'])('starts %s again when it is killed', async (name) => {
    const before = childNamed(`main.ts ${name}`)
    process.kill(before ?? 0, 'SIGKILL')
    const port = name === 'mesh' ? 8081 : 8080
    await eventually(
      async () => {
        expect([undefined, before]).not.toContain(childNamed(`main.ts ${name}`))
        expect((await fetch(`http://${platform.block}.0.1:${port}/readyz`)).ok).toBe(true)
      },
      { within: 60_000 },
    )
  })

  test('keeps objects, pods and block over a restart, and leaves no process between', async () => {
    const settings = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kept', namespace: 'default' },
      data: { color: 'blue' },
    }
    await client.create(configMapKind, settings)
    const block = platform.block
    await end()
    expect(processesNaming(dataDirectory)).toEqual([])
    await start()
    expect(platform.block).toBe(block)
    expect((await client.get(configMapKind, settings.metadata))?.data).toEqual({ color: 'blue' })
    const pod = await eventually(async () => {
      const found = await untilReady('web')
      expect(found?.status?.containerStatuses?.[0]?.restartCount).toBe(1)
      return found
    })
    expect(await (await fetch(`http://${pod?.status?.podIP}:8080/`)).text()).toBe('hello')
  })
})

test('a part that can not start ends the platform with the reason, and no process stays', patience, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-broken-'))
  const mesh = ['sh', '-c', 'echo the moon is full >&2; exit 3', 'mesh']
  const broken = await buildPlatform({ dataDirectory: directory, mesh })
  const run = broken.start(new AbortController().signal)
  const message = `the local platform could not start: sluice mesh ended with exit code 3: the moon is full (its output is in ${directory}/processes/mesh/current.log)`
  await expect(run).rejects.toThrow(message)
  await expect(broken.ready).rejects.toThrow(message)
  expect(processesNaming(directory)).toEqual([])
  expect(readFileSync(join(directory, 'processes/mesh/current.log'), 'utf8')).toBe('the moon is full\n')
  rmSync(directory, { recursive: true })
})
