import { describe, expect, test } from 'vitest'
import { alertProviderKind, deploymentKind } from '../../src/api/index.ts'
import type { Notifier } from '../../src/notify/index.ts'
import { answer, hang, startServer } from '../support/http-server.ts'
import { silentNotifier } from '../support/notices.ts'
import { buildDeployment, createCanary, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

/** Stands in for Prometheus: all of the new version's requests fail, ten a second. */
const startFailing = () =>
  startServer((response, request) => {
    const { path, body } = request
    const given = new URLSearchParams(body === '' ? path.slice(path.indexOf('?') + 1) : body)
    const time = Number(given.get('time'))
    const metric = {
      ...{ __name__: 'istio_requests_total', namespace: 'default', pod: 'web-1', reporter: 'destination' },
      ...{ source_workload: 'load', destination_workload: 'web', destination_workload_namespace: 'default' },
      ...{ destination_service_name: 'web-canary', destination_service_namespace: 'default' },
      ...{ response_code: '500', response_flags: '-' },
    }
    const result = [{ metric, value: [time, String(10 * (time % 1e6))] }]
    const text = JSON.stringify({ status: 'success', data: { resultType: 'vector', result } })
    return answer(200, { 'content-type': 'application/json' }, text)(response, request)
  })

const hook = (type: string) => ({ name: type, type, url: 'http://hooks/' })

/** A check each hour: whatever ends the run before is the guard. */
const rare = { interval: '1h', mirror: false, threshold: 5 }

interface Hanging {
  readonly type: string
  readonly analysis?: object
}

const isCalled = (cluster: ReleaseCluster, name: string): boolean => cluster.called.some(({ hook }) => hook === name)
const phase = (cluster: ReleaseCluster) => cluster.canary().status?.phase

async function start(analysis: object, notifier?: Notifier) {
  const prometheus = await startFailing()
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, buildDeployment())
  await createCanary(cluster, { analysis: { ...rare, ...analysis } })
  const guard = { intervalMs: 2_000, scrapeIntervalMs: 1_000 }
  const stop = cluster.startController({ metricsServer: prometheus.url, guard, ...(notifier ? { notifier } : {}) })
  await cluster.until('first version', () => phase(cluster) === 'Initialized')
  return {
    cluster,
    prometheus,
    async stop() {
      await stop()
      await prometheus[Symbol.asyncDispose]()
    },
  }
}

describe('the guard takes a version back', () => {
  const endOf = async (cluster: ReleaseCluster) => {
    cluster.verdict = 'failed'
    await cluster.until('the end', () => phase(cluster) === 'Failed')
    const run = cluster.runs().find(({ spec }) => spec.canary === 'web')
    return [run?.status?.reason, cluster.weights().at(-1)]
  }

  test.each<Hanging>([
    { type: 'rollback' },
    { type: 'event' },
    { type: 'rollout', analysis: { interval: '10s' } },
    { type: 'confirm-traffic-increase', analysis: { interval: '10s' } },
    { type: 'confirm-promotion', analysis: { interval: '10s' } },
  ])('while a webhook of type $type never answers', async ({ type, analysis }) => {
    const { cluster, stop } = await start({ webhooks: [hook(type)], ...analysis })
    cluster.verdict = 'no-data'
    await cluster.setImage('web:2')
    if (type === 'confirm-traffic-increase') await cluster.until('the first weight', () => weightOf(cluster) === '20')
    cluster.hanging.add(type)
    if (type.startsWith('confirm')) cluster.verdict = 'passed'
    await cluster.until('it is called', () => isCalled(cluster, type))
    await cluster.until('it has traffic', () => weightOf(cluster) !== '0')
    expect(await endOf(cluster)).toEqual(['MetricFailed', '0'])
    await stop()
  })

  test('while the metric server of another one never answers', async () => {
    const { cluster, prometheus, stop } = await start({})
    await using silent = await startServer(hang)
    const other = buildDeployment('other', 'other:1')
    await cluster.user.create(deploymentKind, other)
    const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } as const
    const service = { port: 80, name: 'other' }
    await createCanary(cluster, {
      name: 'other',
      spec: { targetRef, service, metricsServer: silent.url },
      analysis: rare,
    })
    await cluster.until('its first version', () => cluster.canary('other').status?.phase === 'Initialized')
    cluster.verdict = 'no-data'
    await cluster.setImage('other:2', 'other')
    await cluster.until('its server is asked', () => silent.requests.length > 0)
    await cluster.setImage('web:2')
    await cluster.until('it has traffic', () => cluster.canary().status?.canaryWeight === 20)
    await cluster.until('it is read', () => prometheus.requests.length > 1)
    prometheus.requests.splice(0)
    await cluster.pass(10_000)
    // One each two seconds, whatever the other server does.
    expect(prometheus.requests.length).toBeGreaterThanOrEqual(4)
    expect(await endOf(cluster)).toEqual(['MetricFailed', '0'])
    await stop()
  })

  test('while the receiver of its alerts never answers', async () => {
    const sent: string[] = []
    const alerts = [{ name: 'team', severity: 'info', providerRef: { name: 'team' } }]
    const { cluster, stop } = await start({ alerts }, silentNotifier(sent))
    await cluster.user.create(alertProviderKind, {
      apiVersion: 'sluice.dev/v1',
      kind: 'AlertProvider',
      metadata: { name: 'team', namespace: 'default' },
      spec: { type: 'webhook', address: 'http://team/' },
    } as never)
    await cluster.setImage('web:2')
    await cluster.until('it is told', () => sent.includes('NewRevision'))
    expect(await endOf(cluster)).toEqual(['MetricFailed', '0'])
    await cluster.until('the end is told', () => sent.includes('MetricFailed'))
    await stop()
  })
})

const weightOf = (cluster: ReleaseCluster): string | undefined => cluster.weights().at(-1)
