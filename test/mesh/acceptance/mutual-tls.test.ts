import { create, toBinary } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { secretKind } from '../../../src/api/index.ts'
import { createSelfSignedAuthority, openAuthority } from '../../../src/mesh/ca/index.ts'
import { eventually } from '../../support/eventually.ts'
import { samplesOf, sumOf } from '../../support/mesh-world.ts'
import { readSecurity, type SecurityWorld, startSecurityWorld } from '../../support/security-world.ts'

const pods = [
  'frontend/frontend',
  'backend/backend',
  'default/api-gateway',
  'default/user-service',
  'default/admin-service',
  'default/order-service',
] as const
type Name = (typeof pods)[number]

let world: SecurityWorld<Name>
beforeAll(async () => {
  world = await startSecurityWorld(pods)
})
afterEach(() => world?.reset())
afterAll(() => world?.stop())

const untilRefused = (name: Name) =>
  eventually(async () => expect(await world.askPlain(name)).toMatchObject({ status: 0 }))
const answers = { status: 200 }

/** The header of a proxy that introduces itself as this workload. */
function forgedPeer(workload: string): string {
  const fields = { workload: create(ValueSchema, { kind: { case: 'stringValue', value: workload } }) }
  const value = create(ValueSchema, { kind: { case: 'structValue', value: { fields } } })
  return Buffer.from(toBinary(ValueSchema, value)).toString('base64')
}

describe('without any policy', () => {
  test('pods of the mesh show each other certificates, and whoever has none is answered too', async () => {
    expect(await world.ask('frontend/frontend', 'backend/backend')).toMatchObject(answers)
    expect(await world.askPlain('backend/backend')).toMatchObject(answers)
    const [proven, plain] = world.app('backend/backend').requests.slice(-2)
    expect(proven?.headers['x-forwarded-client-cert']).toContain('URI=spiffe://cluster.local/ns/frontend/sa/frontend')
    expect(plain?.headers).not.toHaveProperty('x-forwarded-client-cert')
    expect(await world.certificateOf('backend/backend')).toMatchObject({
      identity: 'URI:spiffe://cluster.local/ns/backend/sa/backend',
    })
  })

  test('who cannot prove who he is is not believed', async () => {
    const headers = {
      'x-forwarded-client-cert': 'By=x;URI=spiffe://cluster.local/ns/frontend/sa/frontend',
      'x-mesh-peer': forgedPeer('frontend'),
    }
    expect(await world.askPlain('backend/backend', { headers })).toMatchObject(answers)
    expect(world.app('backend/backend').requests.at(-1)?.headers).not.toHaveProperty('x-forwarded-client-cert')
  })

  test('metrics say how requests came', async () => {
    const ask = () => world.ask('frontend/frontend', 'backend/backend')
    const count = async (pod: Name, labels: Record<string, string>) =>
      sumOf(await samplesOf(world.envoy(pod), 'istio_requests_total'), labels)
    await ask()
    await world.askPlain('backend/backend')
    const principals = {
      source_principal: 'spiffe://cluster.local/ns/frontend/sa/frontend',
      destination_principal: 'spiffe://cluster.local/ns/backend/sa/backend',
    }
    await eventually(async () => {
      const proven = { ...principals, reporter: 'destination', connection_security_policy: 'mutual_tls' }
      expect(await count('backend/backend', { ...proven, source_workload: 'frontend' })).toBeGreaterThan(0)
      const source = { ...principals, reporter: 'source', connection_security_policy: 'unknown' }
      expect(await count('frontend/frontend', source)).toBeGreaterThan(0)
      const plain = { reporter: 'destination', connection_security_policy: 'none', source_principal: 'unknown' }
      expect(await count('backend/backend', { ...plain, source_workload: 'unknown' })).toBeGreaterThan(0)
      expect(await count('backend/backend', { ...plain, source_workload: 'frontend' })).toBe(0)
    })
  })
})

test('S00-3-mtls-strict-mesh: nobody without a certificate is answered, anywhere', async () => {
  await world.place(...(await readSecurity('S00-3-mtls-strict-mesh')))
  for (const name of pods) await untilRefused(name)
  expect(await world.ask('frontend/frontend', 'backend/backend')).toMatchObject(answers)
  expect(await world.ask('default/api-gateway', 'default/order-service')).toMatchObject(answers)
})

describe('modes', () => {
  const policy = (namespace: string, spec: object, name = 'default') => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name, namespace },
    spec,
  })
  const selector = { matchLabels: { app: 'order-service' } }

  test('what is nearer to the port counts: port, workload, namespace, mesh', async () => {
    await world.place(
      policy('istio-system', { mtls: { mode: 'STRICT' } }),
      policy('default', { mtls: { mode: 'PERMISSIVE' } }),
      policy('default', { selector, mtls: { mode: 'STRICT' } }, 'order'),
    )
    await untilRefused('default/order-service')
    await untilRefused('backend/backend')
    expect(await world.askPlain('default/api-gateway')).toMatchObject(answers)
    const portLevelMtls = { 8080: { mode: 'DISABLE' } }
    await world.place(policy('default', { selector, mtls: { mode: 'STRICT' }, portLevelMtls }, 'order'))
    await eventually(async () => expect(await world.askPlain('default/order-service')).toMatchObject(answers))
    // The mesh's pods see that no TLS is spoken there any more.
    await eventually(async () =>
      expect(await world.ask('frontend/frontend', 'default/order-service')).toMatchObject(answers),
    )
  })

  test('a certificate that is foreign, has expired or is that of nobody is refused, in every mode', async () => {
    const own = ['ca-cert.pem', 'ca-key.pem', 'root-cert.pem'] as const
    const secret = world.api.list(secretKind).find(({ metadata }) => metadata.name === 'istio-ca-secret')
    const files = Object.fromEntries(
      own.map((name) => [name, Buffer.from(secret?.data?.[name] ?? '', 'base64').toString()]),
    )
    const uri = 'spiffe://cluster.local/ns/frontend/sa/frontend'
    const [hour, now] = [3_600_000, Date.now()]
    const rows = [
      ['right', files, uri, now, 200],
      ['foreign', await createSelfSignedAuthority(now), uri, now, 0],
      ['expired', files, uri, now - 2 * hour, 0],
      ['of another trust domain', files, 'spiffe://example.org/ns/frontend/sa/frontend', now, 0],
    ] as const
    for (const [what, authority, value, issuedAt, status] of rows) {
      const opened = await openAuthority(authority, now)
      if (!opened.ok) throw new Error(opened.error)
      const leaf = await opened.value.issue({ names: [{ type: 'url', value }], now: issuedAt, lifetimeMs: hour })
      expect([what, (await world.askWith(leaf, 'backend/backend')).status]).toEqual([what, status])
    }
  })
})

describe('S04-5-6-mtls-and-authorization', () => {
  test('only the namespace is strict, and only the named callers may do what is named', async () => {
    await world.place(...(await readSecurity('S04-5-6-mtls-and-authorization')))
    await untilRefused('default/order-service')
    expect(await world.askPlain('backend/backend')).toMatchObject(answers)
    const [orders, adminOrders] = ['/api/orders/7', '/api/admin/orders/7']
    const rows: readonly (readonly [Name, string, string, number])[] = [
      ['default/api-gateway', 'GET', orders, 200],
      ['default/api-gateway', 'POST', orders, 200],
      ['default/user-service', 'GET', orders, 200],
      ['default/user-service', 'POST', `${orders}?a=b`, 200],
      ['default/admin-service', 'GET', adminOrders, 200],
      ['default/admin-service', 'DELETE', adminOrders, 200],
      ['default/api-gateway', 'DELETE', orders, 403],
      ['default/api-gateway', 'GET', adminOrders, 403],
      ['default/user-service', 'DELETE', orders, 403],
      ['default/user-service', 'GET', adminOrders, 403],
      ['default/admin-service', 'GET', orders, 403],
      ['default/admin-service', 'POST', adminOrders, 403],
      ['default/admin-service', 'DELETE', orders, 403],
      ['frontend/frontend', 'GET', orders, 403],
      // Ways around a path.
      ['default/api-gateway', 'GET', '/api/orders/../admin/orders/7', 403],
      ['default/api-gateway', 'GET', '/api/orders/%2e%2e/admin/orders/7', 403],
    ]
    await eventually(async () =>
      expect(await world.ask('frontend/frontend', 'default/order-service')).toMatchObject({ status: 403 }),
    )
    const asked = await Promise.all(
      rows.map(async ([from, method, path]) => {
        const { status } = await world.ask(from, 'default/order-service', { method, path })
        return [from, method, path, status]
      }),
    )
    expect(asked).toEqual(rows)
  })
})

test('S00-4-allow-frontend: one principal, two methods, one path', async () => {
  await world.place(...(await readSecurity('S00-4-allow-frontend')))
  const ask = async (from: Name, method: string, path: string) =>
    (await world.ask(from, 'backend/backend', { method, path })).status
  await eventually(async () => expect(await ask('frontend/frontend', 'GET', '/')).toBe(403))
  expect(await ask('frontend/frontend', 'GET', '/api/x')).toBe(200)
  expect(await ask('frontend/frontend', 'POST', '/api/x?y=/z')).toBe(200)
  expect(await ask('frontend/frontend', 'GET', '//api/x')).toBe(200)
  expect(await ask('frontend/frontend', 'DELETE', '/api/x')).toBe(403)
  expect(await ask('frontend/frontend', 'GET', '/api')).toBe(403)
  expect(await ask('default/api-gateway', 'GET', '/api/x')).toBe(403)
  expect(await world.askPlain('backend/backend', { path: '/api/x' })).toMatchObject({
    status: 403,
    body: 'RBAC: access denied',
  })
})
