import { describe, expect, test } from 'vitest'
import {
  alertProviderKind,
  type Canary,
  canaryKind,
  clusterMetricTemplateKind,
  deploymentKind,
  eventKind,
  metricTemplateKind,
  secretKind,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { KubeError } from '../../src/kube/index.ts'
import { buildDeployment, createCanary, createReleaseCluster, startedCluster } from '../support/release-cluster.ts'

const conditionOf = (canary: Canary, type: string) => {
  const found = canary.status?.conditions?.find((condition) => condition.type === type)
  return found && [found.status, found.reason, found.message]
}

const templateOf = (name: string, namespace = 'default') => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'MetricTemplate',
  metadata: { name, namespace },
  spec: { provider: { type: 'prometheus' as const }, query: 'up' },
})

describe('what cannot be released says why, and goes on when it is mended', () => {
  test('a missing Deployment', async () => {
    const cluster = createReleaseCluster()
    await createCanary(cluster)
    const stop = cluster.startController()
    await cluster.until('stalled', () => conditionOf(cluster.canary(), 'Stalled')?.[0] === 'True')
    expect(conditionOf(cluster.canary(), 'Stalled')).toEqual([
      'True',
      'TargetNotFound',
      'Deployment web does not exist: create it or correct spec.targetRef.name',
    ])
    await cluster.user.create(deploymentKind, buildDeployment())
    await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')
    expect(conditionOf(cluster.canary(), 'Stalled')?.[0]).toBe('False')
    await stop()
  })

  test('two Canaries on one workload: the younger stands back until the older is gone', async () => {
    const { cluster, stop } = await startedCluster()
    await cluster.pass(1_000)
    await createCanary(cluster, { name: 'younger', service: { name: 'other' } })
    await cluster.until('stalled', () => conditionOf(cluster.canary('younger'), 'Stalled')?.[1] === 'TargetClaimed')
    expect(cluster.canary().status?.phase).toBe('Initialized')
    expect(cluster.api.list(virtualServiceKind).map(({ metadata }) => metadata.name)).toEqual(['web'])
    await cluster.user.delete(canaryKind, { namespace: 'default', name: 'web' })
    await cluster.user.delete(deploymentKind, { namespace: 'default', name: 'web-primary' })
    await cluster.until('goes on', () => conditionOf(cluster.canary('younger'), 'Stalled')?.[0] === 'False')
    await stop()
  })

  test('a delegate, where the bundled mesh routes', async () => {
    const cluster = createReleaseCluster()
    await cluster.user.create(deploymentKind, buildDeployment())
    await createCanary(cluster, { service: { delegation: true } })
    const stop = cluster.startController()
    await cluster.until('stalled', () => conditionOf(cluster.canary(), 'Stalled')?.[0] === 'True')
    expect(conditionOf(cluster.canary(), 'Stalled')).toEqual([
      'True',
      'InvalidCanary',
      'spec.service.delegation: the bundled mesh knows no delegates; name hosts and gateways here, or set provider to istio',
    ])
    expect(cluster.api.list(virtualServiceKind)).toEqual([])
    await cluster.user.patch(
      canaryKind,
      { namespace: 'default', name: 'web' },
      { spec: { provider: 'istio' } },
      { type: 'merge' },
    )
    await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')
    expect(cluster.api.get(virtualServiceKind, 'web').spec).toMatchObject({ hosts: [], gateways: [] })
    await stop()
  })

  test.each([
    ['workload', { service: { name: 'own' } }],
    ['Service', { service: { name: 'web' }, spec: { targetRef: { kind: 'Deployment', name: 'other' } } }],
  ])('two Canaries of the same age on one %s: one of them releases', async (_, overrides) => {
    const cluster = createReleaseCluster()
    for (const name of ['web', 'other']) await cluster.user.create(deploymentKind, buildDeployment(name))
    await createCanary(cluster)
    await createCanary(cluster, { name: 'first', ...overrides })
    const stop = cluster.startController()
    await cluster.until('the first version', () => cluster.canary('first').status?.phase === 'Initialized')
    await cluster.pass(2_000)
    expect(conditionOf(cluster.canary(), 'Stalled')?.[1]).toBe('TargetClaimed')
    expect(cluster.canary().status?.phase).not.toBe('Initialized')
    await stop()
  })

  test('a Service that belongs to somebody else', async () => {
    const cluster = createReleaseCluster()
    await cluster.user.create(deploymentKind, buildDeployment())
    const owner = { apiVersion: 'v1', kind: 'Operator', name: 'theirs', uid: 'theirs', controller: true }
    const foreign = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web-primary', namespace: 'default', ownerReferences: [owner] },
      spec: { selector: { app: 'theirs' } },
    }
    await cluster.user.create(serviceKind, foreign)
    await createCanary(cluster)
    const stop = cluster.startController()
    await cluster.until('stalled', () => conditionOf(cluster.canary(), 'Stalled')?.[0] === 'True')
    expect(conditionOf(cluster.canary(), 'Stalled')).toEqual([
      'True',
      'ObjectOwnedByOther',
      'Service web-primary belongs to Operator theirs',
    ])
    expect(cluster.api.get(serviceKind, 'web-primary').spec.selector).toEqual({ app: 'theirs' })
    await stop()
  })

  test('a Service of nobody is taken over without what is none of ours', async () => {
    const cluster = createReleaseCluster()
    await cluster.user.create(deploymentKind, buildDeployment())
    await cluster.user.create(serviceKind, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default', labels: { team: 'shop' } },
      spec: {
        selector: { app: 'web' },
        clusterIP: '10.0.0.7',
        ports: [{ name: 'admin', port: 9000, targetPort: 9000 }],
      },
    })
    await createCanary(cluster)
    const stop = cluster.startController()
    await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')
    const { metadata, spec } = cluster.api.get(serviceKind, 'web')
    expect([metadata.labels, metadata.ownerReferences, spec]).toEqual([
      { team: 'shop' },
      undefined,
      {
        selector: { app: 'web-primary' },
        clusterIP: '10.0.0.7',
        ports: [
          { name: 'admin', port: 9000, targetPort: 9000 },
          { name: 'http', port: 80, targetPort: 80, protocol: 'TCP' },
        ],
      },
    ])
    await stop()
  })

  test('a MetricTemplate that is missing, and one of another namespace', async () => {
    const metricOf = (templateRef: object) => ({ metrics: [{ name: 'mine', templateRef, thresholdRange: { max: 1 } }] })
    const cluster = createReleaseCluster()
    await cluster.user.create(deploymentKind, buildDeployment())
    await createCanary(cluster, { analysis: metricOf({ name: 'mine' }) })
    const stop = cluster.startController()
    await cluster.until('stalled', () => conditionOf(cluster.canary(), 'Stalled')?.[1] === 'TemplateNotFound')
    await cluster.user.create(metricTemplateKind, templateOf('mine'))
    await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')

    const spec = { analysis: metricOf({ name: 'mine', namespace: 'theirs' }) }
    await cluster.user.patch(canaryKind, { namespace: 'default', name: 'web' }, { spec }, { type: 'merge' })
    await cluster.until('stalled', () => conditionOf(cluster.canary(), 'Stalled')?.[1] === 'CrossNamespaceReference')
    expect(cluster.canary().status?.phase).toBe('Initialized')
    await stop()
  })

  test('a ClusterMetricTemplate that is missing; a MetricTemplate of its name is none', async () => {
    const templateRef = { kind: 'ClusterMetricTemplate', name: 'mine' }
    const cluster = createReleaseCluster()
    await cluster.user.create(deploymentKind, buildDeployment())
    await cluster.user.create(metricTemplateKind, templateOf('mine'))
    await createCanary(cluster, { analysis: { metrics: [{ name: 'mine', templateRef, thresholdRange: { max: 1 } }] } })
    const stop = cluster.startController()
    await cluster.until('stalled', () => conditionOf(cluster.canary(), 'Stalled')?.[1] === 'TemplateNotFound')
    expect(conditionOf(cluster.canary(), 'Stalled')?.[2]).toBe(
      'metric mine names the ClusterMetricTemplate mine, which does not exist: create it or correct templateRef',
    )
    const everywhere = { ...templateOf('mine'), kind: 'ClusterMetricTemplate', metadata: { name: 'mine' } }
    await cluster.user.create(clusterMetricTemplateKind, everywhere)
    await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')
    await stop()
  })

  test('a template that goes in mid-run is a missing verdict, not an end of the watch', async () => {
    const metrics = [{ name: 'mine', templateRef: { name: 'mine' }, thresholdRange: { max: 1 } }]
    const cluster = createReleaseCluster()
    await cluster.user.create(metricTemplateKind, templateOf('mine'))
    await cluster.user.create(deploymentKind, buildDeployment())
    await createCanary(cluster, { analysis: { metrics } })
    const stop = cluster.startController()
    await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')
    await cluster.setImage('web:2')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    await cluster.user.delete(metricTemplateKind, { namespace: 'default', name: 'mine' })
    await cluster.until('the end', () => cluster.canary().status?.phase === 'Failed')
    expect(cluster.runs().at(-1)?.status?.reason).toBe('NoVerdictInTime')
    expect(cluster.weights().at(-1)).toBe('0')
    await stop()
  })

  test('a Deployment without a usable label', async () => {
    const cluster = createReleaseCluster()
    const plain = buildDeployment()
    const labels = { component: 'web' }
    const template = { ...plain.spec.template, metadata: { labels } }
    await cluster.user.create(deploymentKind, {
      ...plain,
      spec: { ...plain.spec, selector: { matchLabels: labels }, template },
    })
    await createCanary(cluster)
    const stop = cluster.startController()
    await cluster.until('stalled', () => conditionOf(cluster.canary(), 'Stalled')?.[1] === 'UnsupportedSelector')
    await stop()
  })

  test('a spec of an older CRD that this controller cannot read', async () => {
    const { cluster, stop } = await startedCluster()
    const ref = { namespace: 'default', name: 'web' }
    await cluster.user.patch(canaryKind, ref, { spec: { analysis: { interval: 'soon' } } }, { type: 'merge' })
    await cluster.until('stalled', () => conditionOf(cluster.canary(), 'Stalled')?.[1] === 'InvalidCanary')
    expect(conditionOf(cluster.canary(), 'Stalled')?.[2]).toMatch(/^spec\.analysis\.interval: /)
    await cluster.user.patch(canaryKind, ref, { spec: { analysis: { interval: '10s' } } }, { type: 'merge' })
    await cluster.until('mended', () => conditionOf(cluster.canary(), 'Ready')?.[0] === 'True')
    await stop()
  })

  test('a Prometheus that is down holds the release; the first answer lets it go on', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.verdict = 'provider-down'
    await cluster.setImage('web:2')
    await cluster.until('hold', () => conditionOf(cluster.canary(), 'Ready')?.[1] === 'NoVerdict')
    cluster.verdict = 'passed'
    await cluster.until('success', () => cluster.canary().status?.phase === 'Succeeded')
    await stop()
  })
})

describe('writes that are refused', () => {
  test('a conflict on any write is tried again, and nothing happens twice', async () => {
    const seen = new Map<string, number>()
    const conflictOnce = ({
      verb,
      kind,
      subresource,
    }: {
      verb: string
      kind: string
      subresource?: string | undefined
    }) => {
      const key = `${verb} ${kind} ${subresource}`
      const count = (seen.get(key) ?? 0) + 1
      seen.set(key, count)
      if (count % 2 === 1) throw new KubeError(key, { code: 409, reason: 'Conflict', retry: 'later' })
    }
    const cluster = createReleaseCluster()
    await cluster.user.create(deploymentKind, buildDeployment())
    await createCanary(cluster)
    const stop = cluster.startController({ before: conflictOnce })
    await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')
    await cluster.setImage('web:2')
    await cluster.until('success', () => cluster.canary().status?.phase === 'Succeeded')
    expect(cluster.weights()).toEqual(['0', '0 mirrored', '20', '40', '0'])
    expect(cluster.runs().map(({ status }) => status?.phase)).toEqual(['Succeeded'])
    await stop()
  })

  test('an edit of the user between read and write of the status is kept', async () => {
    const { cluster, stop } = await startedCluster()
    await cluster.setImage('web:2')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    const ref = { namespace: 'default', name: 'web' }
    await cluster.user.patch(canaryKind, ref, { metadata: { labels: { team: 'shop' } } }, { type: 'merge' })
    await cluster.until('success', () => cluster.canary().status?.phase === 'Succeeded')
    expect(cluster.canary().metadata.labels).toEqual({ team: 'shop' })
    await stop()
  })
})

describe('notices', () => {
  test('start and end are told with numbers, to whom the severity fits; the address comes from the Secret', async () => {
    const alerts = [
      { name: 'all', severity: 'info', providerRef: { name: 'chat' } },
      { name: 'bad', severity: 'error', providerRef: { name: 'pager' } },
      { name: 'gone', severity: 'info', providerRef: { name: 'missing' } },
    ]
    const { cluster, stop } = await startedCluster({ analysis: { alerts } })
    await cluster.user.create(secretKind, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'chat', namespace: 'default' },
      data: { address: Buffer.from('https://chat.example.com/hook\n').toString('base64') },
    })
    const spec = { type: 'slack' as const, username: 'sluice' }
    const base = { apiVersion: 'sluice.dev/v1', kind: 'AlertProvider' }
    await cluster.user.create(alertProviderKind, {
      ...base,
      metadata: { name: 'chat', namespace: 'default' },
      spec: { ...spec, secretRef: { name: 'chat' } },
    })
    await cluster.user.create(alertProviderKind, {
      ...base,
      metadata: { name: 'pager', namespace: 'default' },
      spec: { ...spec, address: 'https://pager.example.com/' },
    })
    cluster.verdict = 'failed'
    await cluster.setImage('web:2')
    await cluster.until('failure', () => cluster.canary().status?.phase === 'Failed')
    const told = cluster.sent.map(({ address, notice }) => [address, notice.severity, notice.reason, notice.text])
    expect(told.sort()).toEqual([
      ['https://chat.example.com/hook', 'error', 'ThresholdReached', 'request-success-rate 92.5 (failed check 2 of 2)'],
      [
        'https://chat.example.com/hook',
        'info',
        'NewRevision',
        expect.stringMatching(/^new revision web:1 -> web:2 \(v1-\w+\)$/),
      ],
      ['https://pager.example.com/', 'error', 'ThresholdReached', 'request-success-rate 92.5 (failed check 2 of 2)'],
    ])
    expect(cluster.api.list(eventKind).length).toBeGreaterThan(0)
    await stop()
  })
})
