import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { samplesOf, sumOf } from '../../support/mesh-world.ts'
import { type Asked, type SecurityWorld, startSecurityWorld } from '../../support/security-world.ts'

const pods = ['shop/frontend', 'other/stranger', 'shop/backend'] as const
let world: SecurityWorld<(typeof pods)[number]>
beforeAll(async () => {
  world = await startSecurityWorld(pods)
})
afterEach(() => world?.reset())
afterAll(() => world?.stop())

const place = (spec: object, annotations: Readonly<Record<string, string>> = {}) =>
  world.place({
    ...{ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy' },
    metadata: { name: 'policy', namespace: 'shop', annotations },
    ...{ spec: { selector: { matchLabels: { app: 'backend' } }, ...spec } },
  })
type Caller = 'shop/frontend' | 'other/stranger' | 'nobody'
const ask = async (from: Caller, asked: Asked = {}) => {
  const answer = from === 'nobody' ? world.askPlain('shop/backend', asked) : world.ask(from, 'shop/backend', asked)
  return (await answer).status
}

interface Row {
  readonly what: string
  readonly rule: object
  readonly allowed: readonly (readonly [Caller, Asked?])[]
  readonly denied: readonly (readonly [Caller, Asked?])[]
}

const from = (source: object) => ({ from: [{ source }] })
const to = (operation: object) => ({ to: [{ operation }] })
const host = (name: string): Asked => ({ headers: { host: name } })

describe('every field of a rule', () => {
  const rows: readonly Row[] = [
    {
      what: 'notPrincipals',
      rule: from({ notPrincipals: ['cluster.local/ns/shop/*'] }),
      allowed: [['other/stranger'], ['nobody']],
      denied: [['shop/frontend']],
    },
    {
      what: 'namespaces and notNamespaces',
      rule: from({ namespaces: ['*'], notNamespaces: ['other'] }),
      allowed: [['shop/frontend']],
      denied: [['other/stranger'], ['nobody']],
    },
    {
      what: 'ipBlocks and notIpBlocks',
      rule: from({ ipBlocks: ['127.0.0.0/8'], notIpBlocks: ['10.0.0.0/8'] }),
      allowed: [['shop/frontend'], ['nobody']],
      denied: [],
    },
    { what: 'ipBlocks of others', rule: from({ ipBlocks: ['10.1.2.3'] }), allowed: [], denied: [['shop/frontend']] },
    {
      what: 'notIpBlocks of all',
      rule: from({ notIpBlocks: ['127.0.0.0/8'] }),
      allowed: [],
      denied: [['shop/frontend'], ['nobody']],
    },
    {
      what: 'remoteIpBlocks',
      rule: from({ remoteIpBlocks: ['127.0.0.0/8'], notRemoteIpBlocks: ['192.168.0.0/16'] }),
      allowed: [['shop/frontend']],
      denied: [],
    },
    {
      what: 'hosts without regard to case, and notHosts',
      rule: to({ hosts: ['*.example'], notHosts: ['b.example'] }),
      allowed: [['nobody', host('A.Example')]],
      denied: [
        ['nobody', host('b.example')],
        ['nobody', host('a.example.org')],
      ],
    },
    {
      what: 'notMethods, notPaths and ports',
      rule: to({ notMethods: ['DELETE'], notPaths: ['/admin*'], ports: ['8080'] }),
      allowed: [['shop/frontend', { path: '/cart' }]],
      denied: [
        ['shop/frontend', { method: 'DELETE' }],
        ['shop/frontend', { path: '/admin/x' }],
      ],
    },
    {
      what: 'templates of paths',
      rule: to({ paths: ['/shops/{*}/items/{**}', '/v1.0/{*}'], notPaths: ['/shops/{*}/items/{**}/secret'] }),
      allowed: [
        ['nobody', { path: '/shops/7/items/' }],
        ['nobody', { path: '/shops/7/items/8/parts?q=/a' }],
        ['nobody', { path: '/v1.0/x' }],
      ],
      denied: [
        ['nobody', { path: '/shops/7/8/items/9' }],
        ['nobody', { path: '/shops//items/9' }],
        ['nobody', { path: '/shops/7' }],
        ['nobody', { path: '/v1.0/x/y' }],
        ['nobody', { path: '/v1a0/x' }],
        ['nobody', { path: '/shops/7/items/8/secret' }],
      ],
    },
    { what: 'notPorts', rule: to({ notPorts: ['8080'] }), allowed: [], denied: [['shop/frontend']] },
    {
      what: 'when: a header, and none of some values',
      rule: { when: [{ key: 'request.headers[X-Team]', values: ['a*'], notValues: ['ab'] }] },
      allowed: [['nobody', { headers: { 'x-team': 'aa' } }]],
      denied: [['nobody', { headers: { 'x-team': 'ab' } }], ['nobody']],
    },
  ]
  test.each(rows)('$what', async ({ rule, allowed, denied }) => {
    await place({ rules: [rule] })
    const wanted = [...allowed.map(() => 200), ...denied.map(() => 403)]
    await eventually(async () => {
      const answers = await Promise.all([...allowed, ...denied].map(([caller, asked]) => ask(caller, asked)))
      expect(answers).toEqual(wanted)
      // Without the rule everybody would be answered: it is in force once its opposite is, too.
      expect(await configured()).toContain('ns[shop]-policy[policy]-rule[0]')
    })
  })
})

const configured = () => world.envoy('shop/backend').admin('/config_dump?resource=dynamic_listeners')

const countOf = async (metric: string, labels: Readonly<Record<string, string>> = {}): Promise<number> =>
  sumOf(await samplesOf(world.envoy('shop/backend'), metric), labels)

/** What `ALLOW` policies on trial would deny, and allow. */
const tried = async (): Promise<readonly number[]> => {
  const labels = { envoy_rbac_http_prefix: 'istio_dry_run_allow_' }
  return [
    await countOf('envoy_http_rbac_shadow_denied', labels),
    await countOf('envoy_http_rbac_shadow_allowed', labels),
  ]
}

test('a policy on trial is counted and denies nobody', async () => {
  const dryRun = { 'istio.io/dry-run': 'true' }
  await place({ rules: [from({ namespaces: ['other'] })] }, dryRun)
  // A connection that was open answers once more by the policies before.
  await eventually(async () => {
    expect(await configured()).toContain('istio_dry_run_allow_')
    expect([await ask('shop/frontend'), await ask('other/stranger'), await ask('nobody')]).toEqual([200, 200, 200])
  })
  await ask('shop/frontend')
  await ask('other/stranger')
  const before = await tried()
  for (const caller of ['shop/frontend', 'other/stranger', 'nobody'] as const) await ask(caller)
  await eventually(async () => {
    expect((await tried()).map((count, index) => count - (before[index] ?? 0))).toEqual([2, 1])
  })
})

test('AUDIT denies nobody, and a policy that denies is counted', async () => {
  await place({ action: 'AUDIT', rules: [to({ methods: ['GET'] })] })
  await eventually(async () => {
    expect(await configured()).toContain('"LOG"')
    expect([await ask('shop/frontend'), await ask('nobody', { method: 'DELETE' })]).toEqual([200, 200])
  })
  const before = await countOf('envoy_http_rbac_denied')
  await place({ action: 'DENY', rules: [from({ namespaces: ['shop'] })] })
  await eventually(async () => expect(await ask('shop/frontend')).toBe(403))
  await eventually(async () => expect(await ask('other/stranger')).toBe(200))
  await eventually(async () => expect(await countOf('envoy_http_rbac_denied')).toBeGreaterThan(before))
})
