import { expect, test } from 'vitest'
import {
  canaryRunKind,
  deploymentKind,
  destinationRuleKind,
  flaggerAlertProviderKind,
  flaggerCanaryKind,
  flaggerMetricTemplateKind,
  namespaceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { answer, startServer } from '../support/http-server.ts'
import { type Stage, stagedDeployment } from '../support/staged-app.ts'
import { queryOf } from '../support/stand-in-prometheus.ts'

const WITHIN = { within: 180_000 }
const group = 'flagger.app/v1beta1'
const trafficPolicy = { connectionPool: { http: { http2MaxRequests: 10 } } }

/** As Flagger's users write it: nothing in it knows of Sluice. */
const spec = {
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
  progressDeadlineSeconds: 60,
  service: { port: 80, targetPort: 8080, delegation: true, trafficPolicy },
  analysis: {
    interval: '10s',
    threshold: 2,
    maxWeight: 50,
    stepWeight: 50,
    metrics: [{ name: 'success', templateRef: { name: 'success' }, thresholdRange: { min: 99 }, interval: '30s' }],
    alerts: [{ name: 'team', severity: 'info', providerRef: { name: 'team' } }],
  },
}

/** A Canary of Flagger, with the rights that the chart grants for it. */
export function describeFlagger(stage: () => Stage): void {
  test.concurrent('a Canary of Flagger has its DestinationRules and its delegate, and alerts of its end', async () => {
    const { client, prometheus } = stage()
    const namespace = 'of-flagger'
    const ref = { namespace, name: 'web' }
    await using receiver = await startServer(answer(200))
    await client.apply(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    await client.create(flaggerMetricTemplateKind, {
      apiVersion: group,
      kind: 'MetricTemplate',
      metadata: { namespace, name: 'success' },
      spec: { provider: { type: 'prometheus', address: prometheus.url }, query: queryOf('{{ namespace }}') },
    })
    await client.create(flaggerAlertProviderKind, {
      apiVersion: group,
      kind: 'AlertProvider',
      metadata: { namespace, name: 'team' },
      spec: { type: 'slack', channel: 'team', username: 'flagger', address: receiver.url },
    })
    await client.create(deploymentKind, stagedDeployment(stage(), namespace))
    await client.create(flaggerCanaryKind, { apiVersion: group, kind: 'Canary', metadata: ref, spec } as never)
    const become = (phase: string) =>
      eventually(async () => {
        const { status } = (await client.get(flaggerCanaryKind, ref)) ?? {}
        expect([status?.phase, status?.conditions]).toEqual([phase, expect.anything()])
      }, WITHIN)
    await become('Initialized')
    const { items: rules } = await client.list(destinationRuleKind, { namespace })
    expect(rules.map((rule) => [rule.metadata.name, rule.spec.host, rule.spec.trafficPolicy])).toEqual([
      ['web-canary', 'web-canary', trafficPolicy],
      ['web-primary', 'web-primary', trafficPolicy],
    ])
    const route = await client.get(virtualServiceKind, ref)
    expect([route?.spec.hosts ?? [], route?.spec.gateways ?? []]).toEqual([[], []])

    const containers = [{ name: 'web', image: 'demo/web:1.1.0' }]
    await client.patch(deploymentKind, ref, { spec: { template: { spec: { containers } } } }, { type: 'strategic' })
    await become('Succeeded')
    const { items: runs } = await client.list(canaryRunKind, { namespace })
    expect(runs.map(({ metadata, status }) => [metadata.name, status?.phase])).toEqual([['flagger-web-1', 'Succeeded']])
    await eventually(() => expect(receiver.requests.at(-1)?.body).toMatch(/1\.1\.0/), WITHIN)

    await client.delete(flaggerCanaryKind, ref)
    await eventually(async () => expect(await client.get(flaggerCanaryKind, ref)).toBeUndefined(), WITHIN)
    await eventually(
      async () => expect((await client.list(destinationRuleKind, { namespace })).items).toEqual([]),
      WITHIN,
    )
    expect((await client.get(deploymentKind, ref))?.spec.replicas).toBe(2)
  }, 400_000)
}
