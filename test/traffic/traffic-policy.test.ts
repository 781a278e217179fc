import { describe, expect, test } from 'vitest'
import { canaryKind, type DestinationRule, destinationRuleKind, virtualServiceKind } from '../../src/api/index.ts'
import { createTrafficPolicies } from '../../src/traffic/routers/traffic-policy.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { createMemoryApi } from '../support/memory-api.ts'
import { type ReleaseCluster, startedCluster } from '../support/release-cluster.ts'

const trafficPolicy = { connectionPool: { http: { maxRetries: 3 } }, outlierDetection: { consecutive5xxErrors: 5 } }
const canaryWith = (service: object = { trafficPolicy }) => buildCanary({ service })

const ruleNamed = (name: string, spec: object, metadata: object = {}): DestinationRule => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name, namespace: 'default', ...metadata },
  spec: { host: name, ...spec },
})

/** Policies over local copies that are as fresh as the API. */
function setUp() {
  const api = createMemoryApi(() => 0)
  const destinationRules = {
    get: ({ name }: { readonly name: string }) =>
      api.list(destinationRuleKind).find(({ metadata }) => metadata.name === name),
    overlay: () => undefined,
  }
  const policies = createTrafficPolicies({ client: api.client('controller'), destinationRules })
  return { api, policies, user: api.client('user'), rules: () => api.list(destinationRuleKind) }
}

const contentOf = ({ metadata, spec }: DestinationRule) => [metadata.name, spec]

describe('a traffic policy', () => {
  test('is that of both versions, written once for each change', async () => {
    const { api, policies, rules } = setUp()
    expect(policies.observe(canaryWith())).toEqual({ current: false })
    await policies.write(canaryWith())
    await policies.write(canaryWith())
    expect(rules().map(contentOf)).toEqual([
      ['web-primary', { host: 'web-primary', trafficPolicy }],
      ['web-canary', { host: 'web-canary', trafficPolicy }],
    ])
    expect(policies.observe(canaryWith())).toEqual({ current: true })
    expect(api.writes).toHaveLength(2)
    const less = canaryWith({ trafficPolicy: { outlierDetection: { consecutive5xxErrors: 5 } } })
    expect(policies.observe(less)).toEqual({ current: false })
    await policies.write(less)
    expect(rules()[0]?.spec.trafficPolicy).toEqual(less.spec.service.trafficPolicy)
  })

  test('keeps what others say beside it', async () => {
    const { policies, rules, user } = setUp()
    await policies.write(canaryWith())
    const [rule] = rules()
    const subsets = [{ name: 'a' }]
    if (rule) await user.replace(destinationRuleKind, { ...rule, spec: { ...rule.spec, subsets, trafficPolicy: {} } })
    await policies.write(canaryWith({ trafficPolicy: { tls: { mode: 'DISABLE' } } }))
    expect(rules()[0]?.spec).toEqual({ host: 'web-primary', subsets, trafficPolicy: { tls: { mode: 'DISABLE' } } })
  })

  test('is not written again where the API server drops what its CRD does not know', async () => {
    const { policies, rules, user } = setUp()
    const canary = canaryWith({ trafficPolicy: { ...trafficPolicy, unknown: 1 } })
    await policies.write(canary)
    for (const rule of rules())
      await user.replace(destinationRuleKind, { ...rule, spec: { ...rule.spec, trafficPolicy } })
    expect(policies.observe(canary)).toEqual({ current: true })
    expect(policies.observe(canaryWith({ trafficPolicy: { ...trafficPolicy, unknown: 2 } }))).toEqual({
      current: false,
    })
  })

  test('that is taken out takes its rules away, and no others', async () => {
    const { policies, rules, user } = setUp()
    await policies.write(canaryWith())
    await user.create(destinationRuleKind, ruleNamed('web', {}))
    expect(policies.observe(canaryWith({}))).toEqual({ current: false })
    await policies.write(canaryWith({}))
    expect(rules().map(({ metadata }) => metadata.name)).toEqual(['web'])
    expect(policies.observe(canaryWith({}))).toEqual({ current: true })
  })

  test.each<[string, DestinationRule, string | undefined]>([
    [
      'of nobody',
      ruleNamed('web-canary', {}),
      'DestinationRule web-canary was not made for this Canary: delete it, or take spec.service.trafficPolicy out',
    ],
    [
      'of another Canary',
      ruleNamed('web-canary', {}, { annotations: { 'sluice.dev/canary': 'other' } }),
      'DestinationRule web-canary belongs to Canary other: delete it, or take spec.service.trafficPolicy out',
    ],
    ['that says the same', ruleNamed('web-canary', { trafficPolicy }), undefined],
  ])('stands back from a rule %s', async (_, rule, foreign) => {
    const { policies, user } = setUp()
    await user.create(destinationRuleKind, rule)
    expect(policies.observe(canaryWith()).foreign).toBe(foreign)
    expect(policies.observe(canaryWith({}))).toEqual({ current: true })
  })
})

describe('a Canary with a traffic policy', () => {
  const ref = { namespace: 'default', name: 'web' }
  const edit = (cluster: ReleaseCluster, service: object) =>
    cluster.user.patch(canaryKind, ref, { spec: { service } }, { type: 'merge' })
  const rulesOf = (cluster: ReleaseCluster) => cluster.api.list(destinationRuleKind)

  test('has it before its next release, without it none, and takes it along when it goes', async () => {
    const { cluster, stop } = await startedCluster()
    expect(rulesOf(cluster)).toEqual([])
    await edit(cluster, { trafficPolicy })
    await cluster.pass(5_000)
    expect(rulesOf(cluster).map(contentOf)).toEqual([
      ['web-primary', { host: 'web-primary', trafficPolicy }],
      ['web-canary', { host: 'web-canary', trafficPolicy }],
    ])
    const before = cluster.api.writes.length
    await cluster.pass(120_000)
    expect(cluster.api.writes.length).toBe(before)
    await cluster.user.delete(canaryKind, ref)
    await cluster.until('deletion', () => cluster.api.list(canaryKind).length === 0)
    expect(rulesOf(cluster).map(({ metadata }) => metadata.ownerReferences?.map(({ name }) => name))).toEqual([
      ['web'],
      ['web'],
    ])
    await stop()
  })

  test('stalls beside the rule of somebody else, and goes on when that is gone', async () => {
    const { cluster, stop } = await startedCluster()
    await cluster.user.create(destinationRuleKind, ruleNamed('web-primary', {}))
    await edit(cluster, { trafficPolicy })
    const stalled = () => cluster.canary().status?.conditions?.find(({ type }) => type === 'Stalled')
    await cluster.until('stalled', () => stalled()?.reason === 'ObjectOwnedByOther')
    expect(rulesOf(cluster).map(contentOf)).toEqual([['web-primary', { host: 'web-primary' }]])
    expect(cluster.api.list(virtualServiceKind)).toHaveLength(1)
    await cluster.user.delete(destinationRuleKind, { namespace: 'default', name: 'web-primary' })
    await cluster.until('both rules', () => rulesOf(cluster).length === 2)
    await cluster.pass(2_000)
    expect(stalled()?.status).not.toBe('True')
    await stop()
  })
})
