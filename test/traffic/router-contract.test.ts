import { describe, expect, test } from 'vitest'
import { type Canary, type VirtualService, virtualServiceKind } from '../../src/api/index.ts'
import { createRouters, type Provider } from '../../src/traffic/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createMemoryApi } from '../support/memory-api.ts'

/** A router whose local copy is as fresh as `see` makes it. */
function setUp(provider: Provider) {
  const clock = createFakeClock()
  const api = createMemoryApi(() => clock.now())
  let copy: VirtualService | undefined
  const virtualServices = {
    get: () => copy,
    overlay: (object: VirtualService) => {
      copy = object
    },
  }
  const router = createRouters({
    client: api.client('controller'),
    virtualServices,
    destinationRules: { get: () => undefined, overlay: () => undefined },
    clock,
  })[provider]
  const stored = () => api.get(virtualServiceKind, 'web')
  return { api, clock, router, stored, user: api.client('user'), see: () => virtualServices.overlay(stored()) }
}

type SetUp = ReturnType<typeof setUp>

/** What each data plane does until it counts as programmed. */
const acknowledgements: Readonly<Record<Provider, (world: SetUp) => Promise<void>>> = {
  async mesh(world) {
    const route = world.stored()
    const condition = {
      type: 'Programmed',
      status: 'True',
      reason: 'Programmed',
      message: '',
      lastTransitionTime: '',
    } as const
    const conditions = [{ ...condition, observedGeneration: route.metadata.generation ?? 0 }]
    await world.user.replace(virtualServiceKind, { ...route, status: { conditions } }, 'status')
    world.see()
  },
  async istio(world) {
    await world.clock.advance(3_000)
  },
}

const split = { primary: 80, canary: 20, mirror: 0 }
const ruleOf = (primary: number, canary: number) => ({
  route: [
    { destination: { host: 'web-primary' }, weight: primary },
    { destination: { host: 'web-canary' }, weight: canary },
  ],
})

const cors = { corsPolicy: { allowCredentials: true } }

async function addCors(world: SetUp): Promise<void> {
  const { spec, ...route } = world.stored()
  await world.user.replace(virtualServiceKind, {
    ...route,
    spec: { ...spec, http: spec.http?.map((rule) => ({ ...rule, ...cors })) ?? [] },
  })
  world.see()
}

describe.each(Object.entries(acknowledgements))('router %s', (name, acknowledge) => {
  const provider: Provider = name === 'istio' ? 'istio' : 'mesh'

  test('without a route there is no traffic and nothing is programmed', () => {
    const { router } = setUp(provider)
    expect(router.observe(buildCanary())).toEqual({
      traffic: undefined,
      hold: 'none',
      current: false,
      programmed: false,
    })
  })

  test('what is written is observed, and programmed only once the data plane has it', async () => {
    const world = setUp(provider)
    const canary = buildCanary()
    await world.router.write(canary, split)
    expect(world.router.observe(canary)).toMatchObject({ traffic: split, current: true, programmed: false })
    await acknowledge(world)
    expect(world.router.observe(canary)).toEqual({ traffic: split, hold: 'held', current: true, programmed: true })
    await world.router.write(canary, { ...split, primary: 60, canary: 40 })
    expect(world.router.observe(canary)).toMatchObject({ traffic: { canary: 40 }, programmed: false })
  })

  test('the same traffic twice is one write', async () => {
    const world = setUp(provider)
    await world.router.write(buildCanary(), split)
    await world.router.write(buildCanary(), split)
    expect(world.api.writes).toHaveLength(1)
  })

  test('a stale copy gets a Conflict and changes nothing', async () => {
    const world = setUp(provider)
    await world.router.write(buildCanary(), split)
    const newer = { ...world.stored(), metadata: { ...world.stored().metadata, labels: { by: 'another' } } }
    await world.user.replace(virtualServiceKind, newer)
    await expect(world.router.write(buildCanary(), { ...split, primary: 0, canary: 100 })).rejects.toMatchObject({
      reason: 'Conflict',
    })
    expect(world.stored().spec.http?.at(-1)?.route?.[1]?.weight).toBe(20)
  })

  test('mirrored requests are those of the named methods; the others only split', async () => {
    const world = setUp(provider)
    await world.router.write(buildCanary(), { primary: 100, canary: 0, mirror: 50 })
    expect(world.stored().spec.http).toEqual([
      {
        name: 'mirrored',
        match: [{ method: { regex: 'GET|HEAD|OPTIONS' } }],
        ...ruleOf(100, 0),
        mirror: { host: 'web-canary' },
        mirrorPercentage: { value: 50 },
      },
      { name: 'split', ...ruleOf(100, 0) },
    ])
    expect(world.router.observe(buildCanary()).traffic).toEqual({ primary: 100, canary: 0, mirror: 50 })
  })

  test('requests that match are split by the shares, and all others go to the primary', async () => {
    const world = setUp(provider)
    const match = [
      { headers: { cookie: { regex: '^(.*;)?(type=insider)(;.*)?$' }, 'x-user': { suffix: '@a.b' } } },
      { queryParams: { beta: { exact: '1' } }, sourceLabels: { app: 'shop' } },
    ]
    const canary = buildCanary({ analysis: { stepWeight: undefined, maxWeight: undefined, iterations: 2, match } })
    const traffic = { primary: 0, canary: 100, mirror: 0, matching: true } as const
    await world.router.write(canary, traffic)
    expect(world.stored().spec.http).toEqual([
      {
        name: 'matched',
        match: [
          {
            headers: { cookie: { regex: '^(.*;)?(type=insider)(;.*)?$' }, 'x-user': { regex: '.*@a\\.b' } },
          },
          { queryParams: { beta: { exact: '1' } }, sourceLabels: { app: 'shop' } },
        ],
        ...ruleOf(0, 100),
      },
      { name: 'split', ...ruleOf(100, 0) },
    ])
    expect(world.router.observe(canary)).toMatchObject({ traffic, current: true })
    const { analysis } = buildCanary({ analysis: { ...canary.spec.analysis, match: match.slice(1) } }).spec
    const changed = { ...canary, spec: { ...canary.spec, analysis } }
    expect(world.router.observe(changed)).toMatchObject({ traffic, current: false })
    await world.router.write(canary, { primary: 100, canary: 0, mirror: 0 })
    expect(world.stored().spec.http).toEqual([{ name: 'split', ...ruleOf(100, 0) }])
  })

  test('users who hold a cookie of this release stay with the version that gave it', async () => {
    const world = setUp(provider)
    const names = { cookieName: 'seen', primaryCookieName: 'old' }
    const flags = { httpOnly: true, secure: true, partitioned: true }
    const sessionAffinity = { ...names, ...flags, domain: 'shop.example', path: '/', sameSite: 'Lax' }
    const attributes = 'Domain=shop.example; Path=/; SameSite=Lax; HttpOnly; Secure; Partitioned'
    const canary = buildCanary({ analysis: { sessionAffinity } })
    const traffic = { ...split, session: 'v1-abc' }
    await world.router.write(canary, traffic)
    const cookie = (value: string) => ({ headers: { response: { add: { 'Set-Cookie': value } } } })
    const holds = (name: string) => [{ headers: { cookie: { regex: `(.*;\\s*)?${name}=v1-abc(;.*)?` } } }]
    const [toPrimary, toCanary] = ruleOf(80, 20).route
    expect(world.stored().spec.http).toEqual([
      { name: 'kept-canary', match: holds('seen'), ...ruleOf(0, 100) },
      { name: 'kept-primary', match: holds('old'), ...ruleOf(100, 0) },
      {
        name: 'split',
        route: [
          { ...toPrimary, ...cookie(`old=v1-abc; Max-Age=10; ${attributes}`) },
          { ...toCanary, ...cookie(`seen=v1-abc; Max-Age=86400; ${attributes}`) },
        ],
      },
    ])
    expect(world.router.observe(canary)).toMatchObject({ traffic, current: true })
    await world.router.write(canary, { primary: 100, canary: 0, mirror: 0 })
    expect(world.stored().spec.http).toEqual([{ name: 'split', ...ruleOf(100, 0) }])
  })

  test('connections are split by their shares, and one that is released leads to the apex Service', async () => {
    const world = setUp(provider)
    const canary = buildCanary({ service: { appProtocol: 'tcp' }, analysis: { mirror: false, metrics: [] } })
    await world.router.write(canary, split)
    expect(world.stored().spec).toEqual({ hosts: ['web'], gateways: ['mesh'], tcp: [ruleOf(80, 20)] })
    expect(world.router.observe(canary)).toMatchObject({ traffic: split, programmed: false })
    await acknowledge(world)
    expect(world.router.observe(canary)).toEqual({ traffic: split, hold: 'held', current: true, programmed: true })
    await world.router.write(canary, split)
    expect(world.api.writes.filter(({ by }) => by === 'controller')).toHaveLength(1)
    await world.router.release(canary)
    expect(world.stored().spec.tcp).toEqual([{ route: [{ destination: { host: 'web' } }] }])
    expect(world.router.observe(canary)).toMatchObject({ traffic: undefined, hold: 'released' })
  })

  test('a Canary that turns from requests to connections, and back, leaves no route of the other behind', async () => {
    const world = setUp(provider)
    const connections = buildCanary({ service: { appProtocol: 'TCP' }, analysis: { mirror: false, metrics: [] } })
    const foreign = { match: [{ port: 9000 }], route: [{ destination: { host: 'other' } }] }
    await world.router.write(buildCanary(), split)
    expect(world.router.observe(connections)).toMatchObject({ traffic: split, current: false })
    await world.router.write(connections, split)
    expect(world.stored().spec.http).toBeUndefined()
    const written = world.stored()
    const tcp = [foreign, ...(written.spec.tcp ?? [])]
    await world.user.replace(virtualServiceKind, { ...written, spec: { ...written.spec, tcp } })
    world.see()
    expect(world.router.observe(buildCanary())).toMatchObject({ traffic: split, current: false })
    await world.router.write(buildCanary(), split)
    expect(world.stored().spec).toMatchObject({ http: [{ name: 'split', ...ruleOf(80, 20) }], tcp: [foreign] })
  })

  test('a rule that is new has what others added to the one beside it', async () => {
    const world = setUp(provider)
    await world.router.write(buildCanary(), { primary: 100, canary: 0, mirror: 0 })
    await addCors(world)
    await world.router.write(buildCanary(), { primary: 100, canary: 0, mirror: 50 })
    expect(world.stored().spec.http?.map((rule) => [rule.name, 'corsPolicy' in rule])).toEqual([
      ['mirrored', true],
      ['split', true],
    ])
  })

  test('gateways, hosts, timeout and retries come from the Canary and follow it', async () => {
    const world = setUp(provider)
    const retries = { attempts: 2, perTryTimeout: '1s', retryOn: '5xx' }
    const service = { gateways: ['public', 'mesh'], hosts: ['shop.example.com'], timeout: '5s', retries }
    const canary = buildCanary({ service })
    await world.router.write(canary, split)
    expect(world.stored().spec).toEqual({
      hosts: ['shop.example.com', 'web'],
      gateways: ['public', 'mesh'],
      http: [{ name: 'split', ...ruleOf(80, 20), timeout: '5s', retries }],
    })
    expect(world.router.observe(buildCanary()).current).toBe(false)
    await world.router.write(buildCanary(), split)
    expect(world.stored().spec).toEqual({
      hosts: ['web'],
      gateways: ['mesh'],
      http: [{ name: 'split', ...ruleOf(80, 20) }],
    })
  })

  test('what others added stays: annotations, other fields, fields of our rules', async () => {
    const world = setUp(provider)
    await world.router.write(buildCanary(), split)
    const route = world.stored()
    const http = route.spec.http?.map((rule) => ({ ...rule, corsPolicy: { allowCredentials: true } })) ?? []
    const metadata = { ...route.metadata, annotations: { ...route.metadata.annotations, team: 'shop' } }
    await world.user.replace(virtualServiceKind, {
      ...route,
      metadata,
      spec: { ...route.spec, http, exportTo: ['*'] } as VirtualService['spec'],
    })
    world.see()
    expect(world.router.observe(buildCanary()).current).toBe(true)
    await world.router.write(buildCanary(), { primary: 60, canary: 40, mirror: 0 })
    expect(world.stored().spec).toEqual({
      hosts: ['web'],
      gateways: ['mesh'],
      exportTo: ['*'],
      http: [{ name: 'split', corsPolicy: { allowCredentials: true }, ...ruleOf(60, 40) }],
    })
    expect(world.stored().metadata.annotations).toMatchObject({ team: 'shop' })
  })

  test('released, it leads to the apex Service alone and keeps limits and what others added', async () => {
    const world = setUp(provider)
    const canary = buildCanary({ service: { timeout: '5s' } })
    await world.router.write(canary, split)
    await addCors(world)
    await world.router.release(canary)
    expect(world.stored().spec).toEqual({
      hosts: ['web'],
      gateways: ['mesh'],
      http: [{ name: 'split', route: [{ destination: { host: 'web' } }], timeout: '5s', ...cors }],
    })
    expect(world.stored().metadata.annotations).toMatchObject({ 'sluice.dev/canary': 'web' })
    expect(world.router.observe(canary)).toMatchObject({ traffic: undefined, hold: 'released', programmed: false })
    await acknowledge(world)
    expect(world.router.observe(canary)).toMatchObject({ hold: 'released', programmed: true })
    const writes = world.api.writes.length
    await world.router.release(canary)
    expect(world.api.writes).toHaveLength(writes)
  })

  test.each([
    ['a gateway', { gateways: ['public', 'mesh'] }],
    ['another host', { hosts: ['shop.example.com'] }],
  ])('released, one that publishes %s outlives the Canary', async (_, service) => {
    const world = setUp(provider)
    const canary = buildCanary({ service })
    await world.router.write(canary, split)
    await world.router.release(canary)
    await world.router.handOver(canary)
    const { ownerReferences, annotations } = world.stored().metadata
    expect([ownerReferences, annotations]).toEqual([undefined, {}])
    const writes = world.api.writes.length
    await world.router.release(canary)
    expect(world.api.writes).toHaveLength(writes)
  })

  test('there is nothing to release without a route', async () => {
    const world = setUp(provider)
    await world.router.release(buildCanary())
    expect(world.api.writes).toEqual([])
  })

  test('it belongs to the Canary, and one that belongs to somebody else is named', async () => {
    const world = setUp(provider)
    const canary = buildCanary()
    await world.router.write(canary, split)
    expect(world.stored().metadata.ownerReferences).toBeUndefined()
    await world.router.handOver(canary)
    expect(world.stored().metadata.ownerReferences).toEqual([
      {
        apiVersion: 'sluice.dev/v1',
        kind: 'Canary',
        name: 'web',
        uid: 'uid-web',
        controller: true,
        blockOwnerDeletion: true,
      },
    ])
    const other: Canary = {
      ...canary,
      metadata: { ...canary.metadata, name: 'api', uid: 'another' },
      spec: { ...canary.spec, service: { ...canary.spec.service, name: 'web' } },
    }
    expect(world.router.observe(other).foreign).toBe('VirtualService web belongs to Canary web')
  })
})

describe('the mesh says why it is not done', () => {
  test('a refused route, and a status of an older generation', async () => {
    const world = setUp('mesh')
    const canary = buildCanary()
    await world.router.write(canary, split)
    const route = world.stored()
    const condition = {
      type: 'Programmed',
      status: 'False',
      reason: 'ProxiesLagging',
      message: '2 of 9 proxies lag',
      lastTransitionTime: '',
    } as const
    const withGeneration = (observedGeneration: number): VirtualService => ({
      ...world.stored(),
      status: { conditions: [{ ...condition, observedGeneration }] },
    })
    await world.user.replace(virtualServiceKind, withGeneration(route.metadata.generation ?? 0), 'status')
    world.see()
    expect(world.router.observe(canary).message).toBe('2 of 9 proxies lag')
    await world.user.replace(virtualServiceKind, withGeneration(0), 'status')
    world.see()
    expect(world.router.observe(canary).message).toBe('the mesh has not seen the route yet')
  })
})
