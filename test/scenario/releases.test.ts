import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportedMetrics } from '../../scripts/metrics-table/exported.ts'
import { podKind } from '../../src/api/index.ts'
import { type Load, startLoad } from '../../src/cli/demo/load.ts'
import { deployment, gateway } from '../../src/cli/demo/manifests.ts'
import { gatewayPort } from '../../src/cli/demo/world.ts'
import { metricsIn, queriesWithoutData, readDashboards } from '../support/dashboards.ts'
import { eventually } from '../support/eventually.ts'
import { answersSince, inNamespace, type ReleasedApp, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

const namespace = 'shop'
/** Outlier detection that ejects nobody, so that proxies count for it. */
const breaker = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'breaker', namespace },
  spec: { host: 'web-primary', trafficPolicy: { outlierDetection: { consecutive5xxErrors: 50 } } },
}
/** A workload that is spoken to in plain TCP, from the gateway. */
const store = [
  inNamespace(namespace, deployment({ name: 'store', image: 'demo/web:1.0.0', probe: '/healthz' })),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'store', namespace },
    spec: { selector: { app: 'store' }, ports: [{ name: 'tcp', port: 9000, targetPort: 8080 }] },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'store', namespace },
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: [{ port: { number: 9000, name: 'tcp', protocol: 'TCP' }, hosts: ['*'] }],
    },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'store', namespace },
    spec: { hosts: ['*'], gateways: ['store'], tcp: [{ route: [{ destination: { host: 'store' } }] }] },
  },
]
const service = { port: 80, targetPort: 8080, gateways: ['shop/public', 'mesh'], hosts: ['web.example.com'] }

describe.skipIf(isKubectlMissing('releases in a row on the local platform'))('good releases in a row', () => {
  let platform: SluiceLocal
  let app: ReleasedApp
  let load: Load

  beforeAll(async () => {
    platform = await startSluiceLocal()
    const options = { namespace, replicas: 2, spec: { service }, requestsPerSecond: 40 }
    app = await startApp(platform, options, breaker, ...store, ...gateway.map((each) => inNamespace(namespace, each)))
    const address = await eventually(gatewayAddress, { within: 30_000, what: 'the gateway runs' })
    const port = gatewayPort
    load = startLoad({ address, port, hostHeader: 'web.example.com', requestsPerSecond: 20, sequenced: false })
    await eventually(() => (load.counts()['1.0.0']?.requests ?? 0) > 0, { within: 30_000, what: 'the gateway answers' })
  })

  afterAll(async () => {
    await load?.stop()
    await platform?.[Symbol.asyncDispose]()
  })

  const gatewayAddress = async (): Promise<string> => {
    const { items } = await platform.client.list(podKind, { namespace, labelSelector: 'istio=ingressgateway' })
    return items[0]?.status?.podIP ?? expect.unreachable('no gateway pod has an address')
  }

  const users = () => ({
    mesh: app,
    gateway: { counts: async () => ({ counts: load.counts(), failures: load.failures() }) },
  })

  test.each(['2.0.0', '2.1.0', '2.2.0'])(
    '%s is promoted and no request fails',
    async (version) => {
      const { mesh, gateway: outside } = users()
      const before = { mesh: await mesh.counts(), outside: await outside.counts() }
      await app.setImage(version)
      const { run } = await app.ended(version)
      expect(run.status?.phase).toBe('Succeeded')
      // The old pods have gone, too: what they had under way counts to this release.
      await eventually(async () => {
        const { items } = await platform.client.list(podKind, { namespace, labelSelector: 'app in (web, web-primary)' })
        expect(items.map(({ spec }) => spec.containers[0]?.image)).toEqual([
          `demo/web:${version}`,
          `demo/web:${version}`,
        ])
      })
      for (const [user, earlier] of [
        [mesh, before.mesh],
        [outside, before.outside],
      ] as const) {
        const { counts, failures } = await answersSince(user, earlier)
        expect(failures).toEqual([])
        expect(counts[version]?.requests).toBeGreaterThan(0)
      }
    },
    240_000,
  )

  test('every query of the dashboards gives data, and none names a metric that nobody exports', async () => {
    const exported = Object.values(exportedMetrics()).flatMap((metrics) => metrics.map(({ name }) => name))
    const queries = (await readDashboards()).flatMap(({ panels }) => panels.flatMap(({ targets = [] }) => targets))
    expect(queries.length).toBeGreaterThan(80)
    const connections = `http://${await gatewayAddress()}:9000/`
    // The scrape of the last second may lie before the last release, and rates need two scrapes of a connection.
    await eventually(
      async () => {
        await fetch(connections, { headers: { connection: 'close' } })
        const names = await fetch(`${platform.prometheusUrl}/api/v1/label/__name__/values`)
        const known = new Set([...exported, ...((await names.json()) as { data: string[] }).data])
        expect(queries.flatMap(({ expr }) => metricsIn(expr)).filter((name) => !known.has(name))).toEqual([])
        expect(await queriesWithoutData(platform.prometheusUrl)).toEqual([])
      },
      { within: 45_000, every: 1_000 },
    )
  })

  test('each of them is on record', async () => {
    const { out } = await platform.kubectl('get', 'canaryruns', '-n', namespace)
    expect(out.split('\n').map((line) => line.split(/ +/).slice(0, 4))).toEqual([
      ['NAME', 'CANARY', 'PHASE', 'REASON'],
      ...['web-1', 'web-2', 'web-3'].map((name) => [name, 'web', 'Succeeded', 'Succeeded']),
      [''],
    ])
  })
})
