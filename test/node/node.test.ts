import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { BUILD_TIMEOUT_MS } from '../support/kube-binaries.ts'
import { applyAll } from '../support/real-node/apply.ts'
import { webImage } from '../support/real-node/images.ts'
import {
  installSluice,
  type NodePrometheus,
  query,
  startNodePrometheus,
  systemNamespace,
} from '../support/real-node/installed.ts'
import { type RealNode, startRealNode } from '../support/real-node/node.ts'
import { podNames, type Shop, shop, since, startShop } from '../support/real-node/shop.ts'
import { nodeSkipReason } from '../support/real-node/skip.ts'

const skipped = nodeSkipReason('sidecars and releases on a real node')

describe.skipIf(skipped !== undefined)('on a real node', { timeout: 300_000 }, () => {
  let node: RealNode

  beforeAll(async () => {
    node = await startRealNode()
  }, BUILD_TIMEOUT_MS)

  afterAll(async () => {
    await node?.stop()
  })

  test('a pod of an image that was built here runs, and is ready', async () => {
    const container = {
      name: 'web',
      image: webImage('1.0.0'),
      imagePullPolicy: 'Never',
      readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
    }
    const spec = { containers: [container], terminationGracePeriodSeconds: 1 }
    await applyAll(node, [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'first', namespace: 'default' }, spec }])
    const path = '/api/v1/namespaces/default/pods/first'
    await eventually(
      async () => {
        const { body } = await node.request('GET', path)
        expect(body.status.containerStatuses).toMatchObject([{ ready: true, image: webImage('1.0.0') }])
      },
      { within: 60_000, every: 200, what: 'the pod' },
    )
    expect((await node.request('GET', `${path}/log`)).body).toMatchObject({ msg: 'listening', version: '1.0.0' })
  })

  describe('with the chart installed', () => {
    let prometheus: NodePrometheus
    let app: Shop

    beforeAll(async () => {
      prometheus = await startNodePrometheus(node)
      await installSluice(node, prometheus.address)
      app = await startShop(node)
    }, 600_000)

    afterAll(() => prometheus?.stop())

    const answered = async (labels: string): Promise<boolean> =>
      (await query(prometheus.address, `sum(istio_requests_total{${labels}}) > 0`)).length > 0

    const healthy = { requests: expect.any(Number), errors: 0 }

    /** A hundred requests more are answered, by this version, every one. */
    const servesAlone = async (version: string): Promise<void> => {
      const before = await app.answers()
      const count = async () => since(before, await app.answers()).counts[version]?.requests ?? 0
      await eventually(async () => (await count()) > 100, { within: 60_000, every: 200, what: `answers of ${version}` })
      expect(since(before, await app.answers())).toEqual({ counts: { [version]: healthy }, failures: [] })
    }

    test('plain programs are intercepted both ways, and their proxies prove to each other who they are', async () => {
      const identity = 'spiffe://cluster.local/ns/shop/sa'
      const between = `source_principal="${identity}/client",destination_principal="${identity}/web",response_code="200"`
      // As in Istio, only who is asked counts how.
      for (const [reporter, policy] of [
        ['source', 'unknown'],
        ['destination', 'mutual_tls'],
      ]) {
        const labels = `reporter="${reporter}",connection_security_policy="${policy}",${between}`
        await eventually(() => answered(labels), { within: 60_000, every: 500, what: labels })
      }
    })

    test('who has no sidecar is answered until the policy is STRICT; then programs stay ready and are called', async () => {
      const [pod = ''] = await podNames(node, shop, 'web-primary')
      const { body } = await node.request('GET', `/api/v1/namespaces/${shop}/pods/${pod}`)
      const ask = () => plainText(node, `http://${body.status.podIP}:8080/`)
      expect(await ask()).toBe('200')
      await applyAll(node, [strict])
      await eventually(async () => expect(await ask()).toBe('ECONNRESET'), {
        within: 60_000,
        every: 500,
        what: 'STRICT',
      })
      await servesAlone('1.0.0')
      const { body: after } = await node.request('GET', `/api/v1/namespaces/${shop}/pods/${pod}`)
      expect(after.status.containerStatuses).toMatchObject([{ ready: true, restartCount: 0 }])
    })

    test('a Job that asks by way of its sidecar ends, and the sidecar with it', async () => {
      await applyAll(node, [job])
      const path = `/apis/batch/v1/namespaces/${shop}/jobs/once`
      const isDone = async () => (await node.request('GET', path)).body.status?.succeeded === 1
      await eventually(isDone, { within: 120_000, every: 500, what: 'the end of the Job' })
    })

    test('nobody misses a control plane that is replaced', async () => {
      const before = await app.answers()
      const path = `/apis/apps/v1/namespaces/${systemNamespace}/deployments/sluice-mesh`
      const template = { metadata: { annotations: { replaced: 'yes' } } }
      await node.request('PATCH', path, { body: { spec: { template } }, contentType: 'application/merge-patch+json' })
      const isReplaced = async () => {
        const { status, metadata } = (await node.request('GET', path)).body
        expect([status.observedGeneration, status.updatedReplicas, status.replicas, status.availableReplicas]).toEqual([
          metadata.generation,
          1,
          1,
          1,
        ])
      }
      await eventually(isReplaced, { within: 180_000, every: 500, what: 'the new mesh' })
      expect(since(before, await app.answers())).toEqual({ counts: { '1.0.0': healthy }, failures: [] })
    })

    test('a good version is mirrored, weighted and promoted, and no request of its client fails', async () => {
      const before = await app.answers()
      await app.release('2.0.0')
      const { status } = await app.ended('2.0.0')
      const steps = status?.steps.map(({ kind, weight, mirrorWeight }) => [kind, weight, mirrorWeight])
      expect([status?.phase, status?.message, steps]).toEqual([
        'Succeeded',
        expect.any(String),
        [
          ['mirror', 0, 100],
          ['weight', 50, 0],
        ],
      ])
      const counts = { '1.0.0': healthy, '2.0.0': healthy }
      expect(since(before, await app.answers())).toEqual({ counts, failures: [] })
    })

    test('a version that fails is taken back, and its users have what they had', async () => {
      await app.release('3.0.0')
      const { status } = await app.ended('3.0.0')
      expect([status?.phase, status?.steps.at(-1)?.kind]).toEqual(['Failed', 'weight'])
      await app.until('it is scaled down', ({ status }) => status?.phase === 'Failed' && status.canaryWeight === 0)
      await servesAlone('2.0.0')
    })

    test('both processes had the rights that they needed, and were never started again', async () => {
      for (const component of ['controller', 'mesh']) {
        const selector = `labelSelector=app.kubernetes.io%2Fcomponent%3D${component}`
        const { body } = await node.request('GET', `/api/v1/namespaces/${systemNamespace}/pods?${selector}`)
        expect(body.items.map(({ status }: AnyPod) => status.containerStatuses[0].restartCount)).toEqual([0])
        const log = `/api/v1/namespaces/${systemNamespace}/pods/${body.items[0].metadata.name}/log`
        const text = JSON.stringify((await node.request('GET', log)).body)
        expect(text).toContain('level')
        expect(text).not.toMatch(/forbidden/i)
      }
    })
  })
})

// biome-ignore lint/suspicious/noExplicitAny: a pod as the API server has it
type AnyPod = any

const strict = {
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'default', namespace: shop },
  spec: { mtls: { mode: 'STRICT' } },
}

const asks = "const { status } = await fetch('http://web/'); process.exit(status === 200 ? 0 : 1)"
const once = { name: 'once', image: webImage('1.0.0'), imagePullPolicy: 'Never', command: ['node', '-e', asks] }

const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'once', namespace: shop },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [once] } } },
}

/** What a program of the node gets, which is no part of the mesh: a status, or the code of the failure. */
async function plainText({ machine }: RealNode, url: string): Promise<string> {
  const print = '(text) => process.stdout.write(String(text))'
  const script = `fetch('${url}').then(({ status }) => status, ({ cause }) => cause.code).then(${print})`
  return machine.run(process.execPath, '-e', script)
}
