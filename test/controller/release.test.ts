import { describe, expect, test } from 'vitest'
import { eventKind, serviceKind } from '../../src/api/index.ts'
import { startedCluster } from '../support/release-cluster.ts'

describe('a release through the API', () => {
  test('the first deploy makes primary, Services and route', async () => {
    const { cluster, stop } = await startedCluster()
    const services = cluster.api
      .list(serviceKind)
      .map(({ metadata, spec }) => [metadata.name, spec.selector, spec.ports])
    const ports = [{ name: 'http', port: 80, targetPort: 80, protocol: 'TCP' }]
    expect(services).toEqual([
      ['web-primary', { app: 'web-primary' }, ports],
      ['web-canary', { app: 'web' }, ports],
      ['web', { app: 'web-primary' }, ports],
    ])
    expect(cluster.deployment('web').spec.replicas).toBe(0)
    expect(cluster.deployment('web-primary').spec).toMatchObject({
      replicas: 2,
      selector: { matchLabels: { app: 'web-primary' } },
      template: { metadata: { labels: { app: 'web-primary' } } },
    })
    expect(cluster.route().spec).toEqual({
      hosts: ['web'],
      gateways: ['mesh'],
      http: [
        {
          name: 'split',
          route: [
            { destination: { host: 'web-primary' }, weight: 100 },
            { destination: { host: 'web-canary' }, weight: 0 },
          ],
        },
      ],
    })
    await stop()
  })

  test('a good version is mirrored, weighted, promoted; then nothing is written', async () => {
    const { cluster, stop } = await startedCluster()
    await cluster.setImage('web:2')
    await cluster.until('success', () => cluster.canary().status?.phase === 'Succeeded')
    expect(cluster.weights()).toEqual(['0', '0 mirrored', '20', '40', '0'])
    expect(cluster.deployment('web-primary').spec.template.spec.containers[0]?.image).toBe('web:2')
    expect(cluster.deployment('web').spec.replicas).toBe(0)
    const conditions = cluster.canary().status?.conditions?.map(({ type, status, reason }) => [type, status, reason])
    expect(conditions).toEqual([
      ['Ready', 'True', 'Succeeded'],
      ['Reconciling', 'False', 'Succeeded'],
      ['Stalled', 'False', 'Succeeded'],
      ['Promoted', 'True', 'Succeeded'],
    ])
    await cluster.pass(2_000)
    const before = cluster.api.writes.length
    await cluster.pass(120_000)
    expect(cluster.api.writes.slice(before)).toEqual([])
    await stop()
  })

  test('the route of a step, and of its end, is written before what tells of it', async () => {
    const { cluster, stop } = await startedCluster()
    const writesSince = (first: number) =>
      cluster.api.writes
        .slice(first)
        .filter(({ by }) => by === 'controller')
        .map(({ verb, kind, subresource = '' }) => `${verb} ${kind} ${subresource}`.trim())
    const told = ['replace Canary status', 'create Event']
    const moved = ['replace CanaryRun status', 'replace VirtualService', ...told]
    const began = cluster.api.writes.length
    await cluster.setImage('web:2')
    await cluster.until('a mirror', () => cluster.weights().at(-1) === '0 mirrored')
    await cluster.pass(1_000)
    const begun = ['patch Deployment', 'create CanaryRun', ...told, ...moved]
    // The last one: the proxies have it.
    expect(writesSince(began)).toEqual([...begun, 'replace CanaryRun status'])
    cluster.verdict = 'failed'
    await cluster.until('a failed check', () => cluster.canary().status?.failedChecks === 1)
    await cluster.pass(0)
    const failed = cluster.api.writes.length
    await cluster.until('weight 0', () => cluster.weights().at(-1) === '0')
    await cluster.pass(0)
    expect(writesSince(failed).slice(0, moved.length)).toEqual(moved)
    await stop()
  })

  test('every window begins after the route was acknowledged and is as long as asked', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.isMeshUp = false
    await cluster.setImage('web:2')
    await cluster.pass(20_000)
    expect(cluster.measured).toEqual([])
    const [run] = cluster.runs()
    expect(run?.status?.steps.at(-1)).toMatchObject({ kind: 'mirror', outcome: 'running' })
    expect(run?.status?.steps.at(-1)?.programmedAt).toBeUndefined()
    await stop()
  })

  test('a bad version is taken back with its numbers, its event and its run', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.verdict = 'failed'
    await cluster.setImage('web:2')
    await cluster.until('failure', () => cluster.canary().status?.phase === 'Failed')
    expect(cluster.weights()).toEqual(['0', '0 mirrored', '0'])
    expect(cluster.deployment('web').spec.replicas).toBe(0)
    expect(cluster.deployment('web-primary').spec.template.spec.containers[0]?.image).toBe('web:1')
    expect(cluster.canary().status?.message).toBe('request-success-rate 92.5 (failed check 2 of 2)')
    const [run] = cluster.runs()
    expect(run?.status).toMatchObject({ phase: 'Failed', reason: 'ThresholdReached' })
    expect(run?.status?.steps.map(({ kind, outcome, verdicts }) => [kind, outcome, verdicts.length])).toEqual([
      ['mirror', 'failed', 2],
    ])
    const events = cluster.api.list(eventKind).map(({ type, reason }) => [type, reason])
    expect(events).toContainEqual(['Warning', 'ThresholdReached'])
    await stop()
  })

  test('no data holds the weight and says so', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.verdict = 'no-data'
    await cluster.setImage('web:2')
    await cluster.until('hold', () => cluster.canary().status?.conditions?.[0]?.reason === 'NoVerdict')
    await cluster.pass(30_000)
    expect(cluster.weights()).toEqual(['0', '0 mirrored'])
    expect(cluster.canary().status?.failedChecks).toBe(0)
    cluster.verdict = 'passed'
    await cluster.until('success', () => cluster.canary().status?.phase === 'Succeeded')
    await stop()
  })

  test('a new revision in the middle gets its own run', async () => {
    const { cluster, stop } = await startedCluster()
    await cluster.setImage('web:2')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    await cluster.setImage('web:3')
    await cluster.until('success', () => cluster.canary().status?.phase === 'Succeeded')
    expect(cluster.weights()).toEqual(['0', '0 mirrored', '20', '0', '0 mirrored', '20', '40', '0'])
    expect(cluster.runs().map(({ spec, status }) => [spec.images, status?.phase])).toEqual([
      [['web:2'], 'Superseded'],
      [['web:3'], 'Succeeded'],
    ])
    await stop()
  })

  test('a revert in the middle goes back to stable', async () => {
    const { cluster, stop } = await startedCluster()
    await cluster.setImage('web:2')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    await cluster.setImage('web:1')
    await cluster.until('stable', () => cluster.canary().status?.phase === 'Initialized')
    expect(cluster.route().spec.http?.[0]?.route?.[1]?.weight).toBe(0)
    expect(cluster.deployment('web').spec.replicas).toBe(0)
    expect(cluster.runs().map(({ status }) => [status?.phase, status?.reason])).toEqual([['Superseded', 'Reverted']])
    await stop()
  })

  test('gates hold and let go', async () => {
    const webhooks = [
      { name: 'start', type: 'confirm-rollout', url: 'http://gate/' },
      { name: 'end', type: 'confirm-promotion', url: 'http://gate/' },
    ]
    const { cluster, stop } = await startedCluster({ analysis: { webhooks } })
    cluster.gates = { start: false, end: false }
    await cluster.setImage('web:2')
    await cluster.until('waiting', () => cluster.canary().status?.message?.includes('start answered 403') ?? false)
    expect([cluster.canary().status?.phase, cluster.deployment('web').spec.replicas]).toEqual(['Waiting', 0])
    cluster.gates = { end: false }
    await cluster.until('second gate', () => cluster.canary().status?.message?.includes('end answered 403') ?? false)
    expect([cluster.canary().status?.phase, cluster.weights().at(-1)]).toEqual(['WaitingPromotion', '40'])
    cluster.gates = {}
    await cluster.until('success', () => cluster.canary().status?.phase === 'Succeeded')
    await stop()
  })

  test('a controller that starts in the middle goes on', async () => {
    const { cluster, stop } = await startedCluster()
    await cluster.setImage('web:2')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    await stop()
    await cluster.pass(3_000)
    const stopSecond = cluster.startController()
    await cluster.until('success', () => cluster.canary().status?.phase === 'Succeeded')
    expect(cluster.weights()).toEqual(['0', '0 mirrored', '20', '40', '0'])
    expect(cluster.runs()).toHaveLength(1)
    await stopSecond()
  })
})
