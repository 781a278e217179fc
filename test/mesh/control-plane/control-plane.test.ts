import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { destinationRuleKind, podKind, serviceKind, virtualServiceKind } from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { createMemoryApi } from '../../support/memory-api.ts'
import { destinationRuleOf, namespaceName, shopOf, virtualServiceOf } from '../../support/mesh-objects.ts'
import { place, type RunningMesh, readVirtualService, startMesh } from '../../support/mesh-world.ts'

const meshes: RunningMesh[] = []
afterEach(async () => {
  await Promise.all(meshes.splice(0).map((mesh) => mesh.stop()))
})

async function shopWithMesh(options: { readonly laggingAfterMs?: number } = {}) {
  const api = createMemoryApi(Date.now)
  const shop = shopOf()
  for (const object of shop.services) await place(api, serviceKind, object)
  for (const object of shop.pods) await place(api, podKind, object)
  const start = async () => {
    const mesh = await startMesh({ api, host: '127.0.0.1', ...options })
    meshes.push(mesh)
    return mesh
  }
  const programmed = (name = 'web') => {
    const object = readVirtualService(api, name, namespaceName)
    const condition = object?.status?.conditions?.find(({ type }) => type === 'Programmed')
    expect(condition?.observedGeneration).toBe(object?.metadata.generation)
    return condition
  }
  return { api, start, programmed }
}

const web = virtualServiceOf('web', { http: [{ route: [{ destination: { host: 'web-canary' } }] }] })

test('a route whose proxies do not come back is programmed, and they are named', async () => {
  const { api, start, programmed } = await shopWithMesh()
  await start()
  const [client] = shopOf().pods
  if (client) await place(api, podKind, client)
  // Known since the start of the mesh, they are waited for; then they count as away.
  await place(api, virtualServiceKind, web)
  await eventually(() =>
    expect(programmed()).toMatchObject({
      status: 'True',
      reason: 'Programmed',
      message: expect.stringMatching(/^no connected proxy needs the route; away: .*client-0\.shop/),
    }),
  )
})

test('proxies that the mesh knows from before its start hold the route up until they are lagging', async () => {
  const { api, start, programmed } = await shopWithMesh({ laggingAfterMs: 100 })
  await start()
  await place(api, virtualServiceKind, web)
  await eventually(() => expect(programmed()).toMatchObject({ status: 'False', reason: 'ProxiesLagging' }))
  await eventually(() => expect(programmed()).toMatchObject({ status: 'True', reason: 'Programmed' }))
})

test('a status is written once: nothing changes, nothing is written, a restart included', async () => {
  const { api, start, programmed } = await shopWithMesh()
  const first = await start()
  await place(api, virtualServiceKind, web)
  await eventually(() => expect(programmed()).toMatchObject({ status: 'True' }))
  const writes = () => api.writes.filter(({ by, subresource }) => by === 'mesh' && subresource === 'status').length
  expect(writes()).toBe(1)
  await meshes.splice(0)[0]?.stop()
  expect(first.lines).toContainEqual(expect.objectContaining({ msg: 'route is in force' }))
  const second = await start()
  await place(
    api,
    virtualServiceKind,
    virtualServiceOf('other', { hosts: ['nobody.example'], http: web.spec.http ?? [] }),
  )
  await eventually(() => expect(programmed('other')).toMatchObject({ status: 'True' }))
  expect(writes()).toBe(2)
  expect(second.lines.filter(({ level }) => level === 'error')).toEqual([])
})

test('an object that is refused says why, and says so no more when it is right', async () => {
  const { api, start } = await shopWithMesh()
  await start()
  const condition = () => api.list(destinationRuleKind)[0]?.status?.conditions?.[0]
  await place(api, destinationRuleKind, destinationRuleOf('web', { host: 'web', trafficPolicy: { unknown: 1 } }))
  await eventually(() =>
    expect(condition()).toMatchObject({
      status: 'False',
      reason: 'Invalid',
      message:
        'spec.trafficPolicy.unknown: there is no such field; there are connectionPool, outlierDetection, loadBalancer, tls, portLevelSettings',
    }),
  )
  await place(api, destinationRuleKind, destinationRuleOf('web', { host: 'web' }))
  await eventually(() => expect(condition()).toMatchObject({ status: 'True', observedGeneration: 2 }))
})

test('a port that is taken is named, with what to do', async () => {
  const { api } = await shopWithMesh()
  const server = createServer()
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  await expect(startMesh({ api, host: '127.0.0.1', port })).rejects.toThrow(
    `xDS server cannot listen on 127.0.0.1:${port}; another process may hold it: stop that, or choose another address`,
  )
  await new Promise((resolve) => server.close(resolve))
})

test('its own numbers are there for Prometheus', async () => {
  const { api, start } = await shopWithMesh()
  const mesh = await start()
  const triggers = async () => {
    const lines = (await mesh.registry.metrics()).split('\n')
    return Number(
      / (\d+)$/.exec(lines.find((line) => line.startsWith('pilot_push_triggers{type="config"}')) ?? '')?.[1],
    )
  }
  const before = await triggers()
  await place(api, virtualServiceKind, web)
  await eventually(async () => expect(await triggers()).toBe(before + 1))
  const text = await mesh.registry.metrics()
  for (const name of ['connected_proxies', 'pushes_total', 'acks_total', 'nacks_total', 'convergence_seconds']) {
    expect(text).toContain(`# TYPE sluice_mesh_${name}`)
  }
  for (const name of ['pilot_xds', 'pilot_xds_pushes', 'pilot_total_xds_rejects']) {
    expect(text).toContain(`# TYPE ${name} `)
  }
})
