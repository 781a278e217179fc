import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventKind, type Pod, podKind } from '../../../src/api/index.ts'
import type { BootstrapFacts } from '../../../src/local/node-agent/index.ts'
import { envoyPath } from '../../support/envoy.ts'
import { eventually } from '../../support/eventually.ts'
import { barePod, type LocalCluster, scriptImage, startLocalCluster } from '../../support/local-cluster.ts'
import { processesOfGroup } from '../../support/processes.ts'

/** Envoy with one fixed listener instead of a mesh: what is tested is how it is run. */
const renderBootstrap = ({ nodeId, nodeCluster, metrics, adminSocketPath }: BootstrapFacts): string =>
  JSON.stringify({
    node: { id: nodeId, cluster: nodeCluster },
    admin: { address: { pipe: { path: adminSocketPath, mode: 0o600 } } },
    static_resources: {
      listeners: [
        {
          name: 'hello',
          enable_reuse_port: false,
          address: { socket_address: { address: metrics.address, port_value: 8080 } },
          filter_chains: [
            {
              filters: [
                {
                  name: 'envoy.filters.network.direct_response',
                  typed_config: {
                    '@type': 'type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config',
                    response: { inline_string: 'HTTP/1.0 200 OK\r\n\r\nfrom the sidecar' },
                  },
                },
              ],
            },
          ],
        },
      ],
    },
  })

const web = scriptImage(
  'test/web',
  `require('http').createServer((_, response) => response.end('from the program')).listen(8080, process.env.HOST)
  console.log(JSON.stringify({ proxy: process.env.http_proxy, service: process.env.SHOP_SERVICE_HOST }))`,
)

const labels = { app: 'web', 'sidecar.istio.io/inject': 'true' }

const meshed = (name: string): Pod => {
  const pod = barePod(name, {
    ports: [{ containerPort: 8080 }],
    readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
  })
  return { ...pod, metadata: { ...pod.metadata, labels: { ...labels, app: name } } }
}

let cluster: LocalCluster

beforeAll(async () => {
  const xds = { address: '127.0.0.1', port: 1 }
  const sidecar = { envoy: await envoyPath(), xds, tokenFor: () => 'secret', renderBootstrap }
  cluster = await startLocalCluster({ sidecar })
  await cluster.apply(web, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop', namespace: 'default' },
    ...{ spec: { selector: { app: 'shop' }, ports: [{ port: 80 }] } },
  })
})

afterAll(() => cluster[Symbol.asyncDispose]())

const condition = (pod: Pod, type: string) => pod.status?.conditions?.find((each) => each.type === type)

const untilReady = (name: string) =>
  eventually(async () => {
    const pod = await cluster.pod(name)
    expect(condition(pod, 'Ready')?.status).toBe('True')
    return pod
  })

const textAt = async (address: string | undefined) => (await fetch(`http://${address}:8080/`)).text()

test("the pod's address is the sidecar's, the program has one of its own", async () => {
  await cluster.apply(meshed('web'))
  const pod = await untilReady('web')
  const appAddress = pod.metadata.annotations?.['local.sluice.dev/app-address']
  expect(await textAt(pod.status?.podIP)).toBe('from the sidecar')
  expect(await textAt(appAddress)).toBe('from the program')
  const services = JSON.parse(pod.metadata.annotations?.['local.sluice.dev/service-addresses'] ?? '{}')
  expect(Object.keys(services)).toEqual(['default/shop'])
  const log = await eventually(async () => JSON.parse(await cluster.log('web')))
  expect(log).toEqual({ proxy: `http://${pod.status?.podIP}:15080`, service: services['default/shop'] })
  expect(condition(pod, 'local.sluice.dev/SidecarReady')?.status).toBe('True')
})

test('a Service that comes later gets an address too, and one that goes loses it', async () => {
  await cluster.apply(meshed('late'))
  await untilReady('late')
  const keys = async () =>
    Object.keys(
      JSON.parse((await cluster.pod('late')).metadata.annotations?.['local.sluice.dev/service-addresses'] ?? '{}'),
    )
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'later', namespace: 'default' },
    ...{ spec: { selector: { app: 'later' }, ports: [{ port: 80 }] } },
  }
  await cluster.apply(service)
  await eventually(async () => expect(await keys()).toEqual(['default/later', 'default/shop']))
  await cluster.client.delete(
    { group: '', version: 'v1', kind: 'Service', plural: 'services', namespaced: true },
    service.metadata,
  )
  await eventually(async () => expect(await keys()).toEqual(['default/shop']))
})

test('the bootstrap with its token is for the owner only', async () => {
  await cluster.apply(meshed('private'))
  const { metadata } = await untilReady('private')
  const bootstrap = join(cluster.directory, 'pods', metadata.uid ?? '', 'envoy.json')
  expect((statSync(bootstrap).mode & 0o777).toString(8)).toBe('600')
})

test('a sidecar that dies is started again, and the pod is not ready without it', async () => {
  await cluster.apply(meshed('orphaned'))
  const pod = await untilReady('orphaned')
  const [envoy] = processesListening(pod.status?.podIP ?? '')
  process.kill(envoy ?? 0, 'SIGKILL')
  await eventually(async () =>
    expect(condition(await cluster.pod('orphaned'), 'Ready')?.reason).toBe('SidecarNotReady'),
  )
  await untilReady('orphaned')
  const [next] = processesListening(pod.status?.podIP ?? '')
  expect(next).not.toBe(envoy)
  expect((await cluster.pod('orphaned')).status?.containerStatuses?.[0]?.restartCount).toBe(0)
})

test('a sidecar that is late for a while, as on a busy machine, does not take its pod out of traffic', async () => {
  await cluster.apply(meshed('late-sidecar'))
  const pod = await untilReady('late-sidecar')
  const [envoy = 0] = processesListening(pod.status?.podIP ?? '')
  process.kill(envoy, 'SIGSTOP')
  try {
    await eventually(async () => expect(await failedLooks('late-sidecar')).toBeGreaterThanOrEqual(2), {
      within: 30_000,
    })
    expect(condition(await cluster.pod('late-sidecar'), 'Ready')?.status).toBe('True')
  } finally {
    process.kill(envoy, 'SIGCONT')
  }
})

async function failedLooks(name: string): Promise<number> {
  const { items } = await cluster.client.list(eventKind, { namespace: 'default' })
  return items
    .filter(({ reason, involvedObject }) => reason === 'Unhealthy' && involvedObject.name === name)
    .reduce((sum, { count = 1 }) => sum + count, 0)
}

test('a gateway is only an Envoy', async () => {
  const pod = barePod('gateway', { name: 'istio-proxy', image: 'auto' })
  await cluster.apply({
    ...pod,
    metadata: { ...pod.metadata, labels, annotations: { 'inject.istio.io/templates': 'gateway' } },
  })
  const { status } = await untilReady('gateway')
  expect(await textAt(status?.podIP)).toBe('from the sidecar')
  expect(status?.containerStatuses?.map(({ name, ready }) => ({ name, ready }))).toEqual([
    { name: 'istio-proxy', ready: true },
  ])
  expect(cluster.agent.gateways()).toEqual([{ name: 'default/gateway', address: status?.podIP }])
})

test('on deletion the program ends before its sidecar', async () => {
  const command = ['sh', '-c', 'trap "sleep 0.5; exit 0" TERM; while :; do sleep 0.05; done']
  const pod = barePod('ordered', { command })
  await cluster.apply({ ...pod, metadata: { ...pod.metadata, labels } })
  const ready = await untilReady('ordered')
  const address = ready.status?.podIP ?? ''
  const program = Number(ready.status?.containerStatuses?.[0]?.containerID?.split('/').at(-1))
  await cluster.client.delete(podKind, { namespace: 'default', name: 'ordered' })
  let served = 0
  await eventually(
    async () => {
      const isAlive = processesOfGroup(program).length > 0
      if (isAlive) {
        expect(await textAt(address)).toBe('from the sidecar')
        served += 1
      }
      return !isAlive
    },
    { every: 50 },
  )
  expect(served).toBeGreaterThan(0)
  await eventually(() => expect(processesListening(address)).toEqual([]))
})

function processesListening(address: string): readonly number[] {
  const uids = readdirSync(join(cluster.directory, 'pods'))
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        const bootstrap = words.find((word) => uids.some((uid) => word.endsWith(`${uid}/envoy.json`)))
        return bootstrap !== undefined && readFileSync(bootstrap, 'utf8').includes(`"${address}"`)
      } catch {
        return false
      }
    })
}
