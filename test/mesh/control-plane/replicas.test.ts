import { afterEach, expect, test } from 'vitest'
import {
  configMapKind,
  leaseKind,
  namespaceKind,
  podKind,
  secretKind,
  serviceKind,
  virtualServiceKind,
} from '../../../src/api/index.ts'
import { createSelfSignedAuthority } from '../../../src/mesh/ca/index.ts'
import { parseReport, renderReport, stateElsewhere } from '../../../src/mesh/control-plane/replica-report.ts'
import { nodeId } from '../../../src/mesh/model/index.ts'
import { eventually } from '../../support/eventually.ts'
import { createMemoryApi } from '../../support/memory-api.ts'
import { namespaceName, shopOf, splitBetween, virtualServiceOf } from '../../support/mesh-objects.ts'
import { place, podToken, type RunningMesh, readVirtualService, startMesh } from '../../support/mesh-world.ts'
import { type ScriptedProxy, startScriptedProxy } from '../../support/scripted-proxy.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** Two replicas, and two pods whose proxies need the route. */
async function twoReplicas() {
  const api = createMemoryApi(Date.now)
  const shop = shopOf()
  const pods = shop.pods.filter(({ metadata }) => ['client-0', 'web-primary-0'].includes(metadata.name))
  for (const object of shop.services) await place(api, serviceKind, object)
  for (const object of pods) await place(api, podKind, object)
  const dead = new Set<string>()
  const start = async (replica: string): Promise<RunningMesh> => {
    const beforeWrite = () => {
      if (dead.has(replica)) throw new Error(`${replica} is dead`)
    }
    const certificates = { leafLifetimeMs: 60_000 }
    const world = { api, host: '127.0.0.1', publishesRoots: true, certificates }
    const mesh = await startMesh({ ...world, replica, beforeWrite, laggingAfterMs: 1_000 })
    stops.push(mesh.stop)
    return mesh
  }
  /** As `kill -9` does: its streams end, and nothing that it still writes arrives. */
  const kill = async (replica: string, mesh: RunningMesh): Promise<void> => {
    dead.add(replica)
    await mesh.stop()
  }
  const holder = () => api.list(leaseKind).find(({ metadata }) => metadata.name === 'sluice-mesh')?.spec?.holderIdentity
  const first = await start('first')
  await eventually(() => expect(holder()).toBe('first'))
  const second = await start('second')
  const connect = (mesh: RunningMesh, pod: string): ScriptedProxy => {
    const address = pods.find(({ metadata }) => metadata.name === pod)?.status?.podIP ?? ''
    const id = nodeId({ role: 'sidecar', address, pod, namespace: namespaceName })
    const proxy = startScriptedProxy({
      address: '127.0.0.1',
      port: mesh.port,
      id,
      token: podToken(pod),
      asksForRoots: true,
    })
    stops.push(proxy.stop)
    return proxy
  }
  const programmed = () => {
    const object = readVirtualService(api, 'web', namespaceName)
    const condition = object?.status?.conditions?.find(({ type }) => type === 'Programmed')
    return condition?.observedGeneration === object?.metadata.generation ? condition : undefined
  }
  const route = async (canaryWeight: number) => {
    const http = [{ route: splitBetween('web-primary', 'web-canary', canaryWeight) }]
    await place(api, virtualServiceKind, virtualServiceOf('web', { http }))
  }
  const reports = () => api.list(leaseKind).filter(({ metadata }) => metadata.labels !== undefined)
  const until = (status: 'True' | 'False', message: string) =>
    eventually(() => expect(programmed()).toMatchObject({ status, message }), { within: 30_000 })
  return { api, first, second, start, kill, connect, holder, programmed, route, reports, until }
}

test('a route is programmed when the proxies of every replica have it, and the elected one alone says so', async () => {
  const world = await twoReplicas()
  world.connect(world.first, 'web-primary-0')
  const other = world.connect(world.second, 'client-0')
  await eventually(() => expect(other.has('routes')).toBe(true))
  other.pause()
  await world.route(10)
  // The proxy of the other replica is waited for, and named.
  await world.until('False', 'not accepted yet by client-0.shop')
  other.resume()
  await world.until('True', '2 proxies have the route')
  expect(world.second.lines.filter(({ msg }) => msg === 'route is in force')).toEqual([])
})

test('a proxy that rejects a route at another replica is told of', async () => {
  const world = await twoReplicas()
  world.connect(world.first, 'web-primary-0')
  const other = world.connect(world.second, 'client-0')
  await world.route(10)
  await world.until('True', '2 proxies have the route')
  other.reject('routes', 'no such thing')
  await world.route(20)
  await world.until('False', 'proxies keep their last good configuration; client-0.shop: no such thing')
})

test('when the elected replica ends another goes on, and its proxies are served', async () => {
  const world = await twoReplicas()
  world.connect(world.second, 'web-primary-0')
  const proxy = world.connect(world.second, 'client-0')
  await world.route(10)
  await world.until('True', '2 proxies have the route')
  await world.first.stop()
  await eventually(() => expect(world.holder()).toBe('second'), { within: 30_000 })
  await eventually(() => expect(world.reports().map(({ spec }) => spec?.holderIdentity)).toEqual(['second']))
  await world.route(20)
  await world.until('True', '2 proxies have the route')
  expect(proxy.has('routes')).toBe(true)
})

test('when the writer is killed another takes its place, and the proxies that come over count', async () => {
  const world = await twoReplicas()
  world.connect(world.second, 'web-primary-0')
  const lost = world.connect(world.first, 'client-0')
  await world.route(10)
  await world.until('True', '2 proxies have the route')
  await world.kill('first', world.first)
  lost.stop()
  // The lease is still the dead one's.
  await world.route(20)
  const proxy = world.connect(world.second, 'client-0')
  await eventually(() => expect(world.holder()).toBe('second'), { within: 30_000 })
  await world.until('True', '2 proxies have the route')
  expect(proxy.has('routes')).toBe(true)
})

test('a writer that loses its lease writes no more, serves its proxies on, and stands again', async () => {
  const world = await twoReplicas()
  world.connect(world.first, 'web-primary-0')
  const proxy = world.connect(world.first, 'client-0')
  await world.route(10)
  await world.until('True', '2 proxies have the route')
  const client = world.api.client('stranger')
  const lease = world.api.list(leaseKind).find(({ metadata }) => metadata.name === 'sluice-mesh')
  if (lease === undefined) throw new Error('nobody leads')
  const renewTime = new Date().toISOString().replace('Z', '000Z')
  await client.replace(leaseKind, { ...lease, spec: { ...lease.spec, holderIdentity: 'stranger', renewTime } })
  await eventually(() =>
    expect(world.first.lines).toContainEqual(expect.objectContaining({ msg: 'the lease is lost' })),
  )
  const conditionsBy = () =>
    world.api.writes.filter(({ kind, subresource }) => kind === 'VirtualService' && subresource === 'status')
  const written = conditionsBy().length
  await world.route(20)
  await eventually(() => expect(['first', 'second']).toContain(world.holder()), { within: 30_000 })
  const holder = world.holder()
  await world.until('True', '2 proxies have the route')
  expect(
    new Set(
      conditionsBy()
        .slice(written)
        .map(({ by }) => by),
    ),
  ).toEqual(new Set([holder]))
  expect(proxy.has('routes')).toBe(true)
})

const given = async (api: ReturnType<typeof createMemoryApi>): Promise<string> => {
  const files = await createSelfSignedAuthority(Date.now())
  const data = Object.fromEntries(
    Object.entries(files).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  )
  const metadata = { name: 'cacerts', namespace: 'istio-system' }
  await place(api, secretKind, { apiVersion: 'v1', kind: 'Secret', metadata, data })
  return files['root-cert.pem']
}

const rootsIn = (api: ReturnType<typeof createMemoryApi>, namespace: string): readonly string[] =>
  api
    .list(configMapKind)
    .find(({ metadata }) => metadata.name === 'istio-ca-root-cert' && metadata.namespace === namespace)
    ?.data?.['root-cert.pem']?.match(/-----BEGIN[\s\S]+?END CERTIFICATE-----\n/g) ?? []

const issuesAnew = ({ lines }: RunningMesh): boolean =>
  lines.some(({ msg }) => msg === 'certificates are issued from the new root from now on')

test('no replica issues from a new root before the proxies of all have it; namespaces and late replicas trust both', async () => {
  const world = await twoReplicas()
  const { api } = world
  const metadata = { name: namespaceName, labels: { 'istio-injection': 'enabled' } }
  await place(api, namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata })
  world.connect(world.first, 'web-primary-0')
  const slow = world.connect(world.second, 'client-0')
  await eventually(() => expect(rootsIn(api, namespaceName)).toHaveLength(1))
  await eventually(() => expect(slow.has('secret')).toBe(true))
  const [old = ''] = rootsIn(api, namespaceName)
  slow.pause()
  const fresh = await given(api)
  const both = [old, fresh].sort()
  await eventually(() => expect([rootsIn(api, 'istio-system'), rootsIn(api, namespaceName)]).toEqual([both, both]))
  const secretOf = (mesh: RunningMesh) => mesh.views.statuses().map(({ types }) => types.secret)
  await eventually(() => expect([secretOf(world.first), secretOf(world.second)]).toEqual([['SYNCED'], ['STALE']]))
  expect([world.first, world.second].map(issuesAnew)).toEqual([false, false])
  // A replica that starts now has no key of the old authority: it must not take its root away.
  await world.kill('second', world.second)
  slow.stop()
  const third = await world.start('third')
  world.connect(third, 'client-0')
  await eventually(() => expect(issuesAnew(world.first)).toBe(true), { within: 30_000 })
  expect([rootsIn(api, 'istio-system'), rootsIn(api, namespaceName)]).toEqual([both, both])
  // Nobody writes what the other has written, again and again.
  const writes = () => api.writes.filter(({ kind }) => kind === 'ConfigMap').length
  const [settled, polls] = [writes(), api.writes.length]
  await eventually(() => expect(api.writes.length).toBeGreaterThan(polls + 5), { within: 30_000 })
  expect(writes()).toBe(settled)
})

test('a report of another version of the program, or that is broken, says nothing', () => {
  const report = { connected: new Set(['a.shop']), roots: '1', objects: new Map() }
  expect(parseReport(renderReport(report))).toEqual(report)
  expect(parseReport('{"connected":1}')).toBeUndefined()
  expect(parseReport('{')).toBeUndefined()
})

test('of a proxy that two replicas name the better word counts, for the same generation', () => {
  const node = nodeId({ role: 'sidecar', address: '127.20.1.1', pod: 'a', namespace: 'shop' })
  const report = (generation: number, waiting: readonly string[], rejected = {}) => ({
    connected: new Set(['a.shop']),
    objects: new Map([['key', { generation, waiting, rejected }]]),
  })
  const state = (...reports: readonly ReturnType<typeof report>[]) => stateElsewhere(reports, 'key', 2)(node)
  expect(state()).toBeUndefined()
  expect(state(report(1, []))).toEqual({ kind: 'waiting' })
  expect(state(report(2, ['a.shop']))).toEqual({ kind: 'waiting' })
  expect(state(report(2, ['a.shop']), report(2, []))).toEqual({ kind: 'has-it' })
  expect(state(report(2, [], { 'a.shop': 'no' }))).toEqual({ kind: 'rejected', message: 'no' })
})
