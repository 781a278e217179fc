import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { endpointSliceKind, podKind, serviceKind, virtualServiceKind } from '../../../src/api/index.ts'
import { serveDebug } from '../../../src/cli/debug-server.ts'
import { createEndpointDoor } from '../../../src/local/platform/endpoint-door.ts'
import { nodeId } from '../../../src/mesh/model/index.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { envoyPath } from '../../support/envoy.ts'
import { eventually } from '../../support/eventually.ts'
import { freePorts } from '../../support/kube-apiserver.ts'
import { claimLoopbackBlock, type LoopbackBlock } from '../../support/loopback-block.ts'
import { createMemoryApi } from '../../support/memory-api.ts'
import { namespaceName, shopOf, splitBetween, virtualServiceOf } from '../../support/mesh-objects.ts'
import {
  get,
  place,
  podToken,
  type RunningEnvoy,
  type RunningMesh,
  startEnvoy,
  startMesh,
  untilEnvoyReady,
} from '../../support/mesh-world.ts'
import { runSluice } from '../../support/run-sluice.ts'
import { type ScriptedProxy, startScriptedProxy } from '../../support/scripted-proxy.ts'

/** Each look starts the command line, on a machine that may be busy. */
vi.setConfig({ testTimeout: 180_000 })

const stop = new AbortController()
let block: LoopbackBlock
let mesh: RunningMesh
let envoy: RunningEnvoy
let other: ScriptedProxy
let door = ''
let serving: Promise<void>

/** A real Envoy beside one that rejects its routes. */
beforeAll(async () => {
  block = await claimLoopbackBlock()
  const api = createMemoryApi(Date.now)
  const shop = shopOf(block.prefix)
  for (const object of shop.services) await place(api, serviceKind, object)
  for (const object of shop.pods) await place(api, podKind, object)
  for (const object of shop.endpointSlices) await place(api, endpointSliceKind, object)
  const http = [{ name: 'canary', route: splitBetween('web-primary', 'web-canary', 25) }]
  await place(api, virtualServiceKind, virtualServiceOf('web', { http }))
  mesh = await startMesh({ api, host: '127.0.0.1' })
  const [port = 0] = await freePorts(1)
  door = `127.0.0.1:${port}`
  const { views, departures } = mesh
  serving = serveDebug({ listen: door, views, departures, replica: 'mesh-0', log: silentLogger }, stop.signal)
  const [client] = shop.pods
  if (client === undefined) throw new Error('the shop has no client')
  envoy = await startEnvoy({ binary: await envoyPath(), pod: client, xds: mesh.xds })
  const id = nodeId({ role: 'sidecar', address: `${block.prefix}.1.2`, pod: 'web-primary-0', namespace: namespaceName })
  other = startScriptedProxy({ address: '127.0.0.1', port: mesh.port, id, token: podToken('web-primary-0') })
  other.reject('routes', 'no such thing')
  await untilEnvoyReady(envoy)
})
afterAll(async () => {
  other?.stop()
  await envoy?.stop()
  stop.abort()
  await serving
  await mesh?.stop()
  await block?.[Symbol.asyncDispose]()
})

const sluice = (...words: readonly string[]) => runSluice([...words, '-n', namespaceName, '--mesh', door])

test('proxy-status shows how far each proxy is, and what one rejected', async () => {
  await eventually(
    async () => {
      const { out } = await sluice('proxy-status')
      expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
        ['NAME', 'CDS', 'LDS', 'EDS', 'RDS', 'SDS', 'VERSION', 'REPLICA'],
        ['client-0.shop', ...Array(5).fill('SYNCED'), expect.stringMatching(/^envoy 1\.\d+\.\d+$/), 'mesh-0'],
        ['web-primary-0.shop', 'SYNCED', 'SYNCED', 'SYNCED', 'STALE', 'NOT SENT', '-', 'mesh-0'],
        [''],
        ['web-primary-0.shop rejected routes http_proxy: no such thing'],
        [''],
      ])
    },
    { within: 90_000, every: 500 },
  )
  const one = JSON.parse((await sluice('proxy-status', 'client-0', '-o', 'json')).out)
  expect(one).toMatchObject([{ proxy: 'client-0.shop', replica: 'mesh-0', types: { routes: 'SYNCED' } }])
})

test('proxy-config shows what a proxy is to have, and no private key', async () => {
  const lines = async (kind: string) => {
    const { out, err } = await sluice('proxy-config', kind, 'client-0')
    expect(err).toBe('')
    return out.split('\n')
  }
  const line = (text: string) => expect.stringMatching(new RegExp(text.replaceAll(' ', ' +').replaceAll('|', '\\|')))
  const primary = 'web-primary.shop.svc.cluster.local'
  const canary = 'web-canary.shop.svc.cluster.local'
  expect(await lines('clusters')).toContainEqual(line(`^${primary} 80 - outbound EDS$`))
  expect(await lines('listeners')).toContainEqual(
    line(`${block.prefix}.160.1:20080 route web.shop.svc.cluster.local:80$`),
  )
  expect(await lines('routes')).toContainEqual(
    line(`^web.shop.svc.cluster.local:80 .* canary /. outbound|80||${primary} 75, outbound|80||${canary} 25$`),
  )
  expect(await lines('endpoints')).toContainEqual(line(`^${block.prefix}.1.3:8080 1 0 outbound|80||${canary}$`))
  expect(await lines('secrets')).toContainEqual(
    line('^default certificate .* URI:spiffe://cluster.local/ns/shop/sa/default$'),
  )
  const everything = await Promise.all(
    ['clusters', 'listeners', 'routes', 'endpoints', 'secrets'].map((kind) =>
      sluice('proxy-config', kind, 'client-0', '-o', 'json'),
    ),
  )
  for (const { code, out } of everything) expect([code, /PRIVATE KEY/.test(out)]).toEqual([0, false])
  expect(everything[4]?.out).toContain('[redacted]')
})

test('a proxy or a mesh that is not there is named, with what to do', async () => {
  const gone = await sluice('proxy-config', 'routes', 'gone-0')
  expect([gone.code, gone.err]).toEqual([5, expect.stringContaining('no proxy shop/gone-0 is connected')])
  const [port = 0] = await freePorts(1)
  const away = await runSluice(['proxy-status', '--mesh', `127.0.0.1:${port}`])
  expect([away.code, away.err]).toEqual([1, expect.stringContaining('kubectl port-forward -n sluice-system')])
  // A page in a browser reaches nothing by a host name of its own.
  for (const path of ['/debug/proxies', '/debug/endpoints/192.0.2.1/gone']) {
    expect((await get(`http://${door}${path}`, { headers: { host: 'evil.example' } })).status).toBe(403)
  }
})

test('a node hears when an endpoint has left every proxy', async () => {
  const untilGone = createEndpointDoor(`http://${door}`, systemClock)
  await untilGone(`${block.prefix}.99.99`, new AbortController().signal)
  // One that is still there is waited for.
  const impatient = AbortSignal.timeout(300)
  await untilGone(`${block.prefix}.1.2`, impatient)
  expect(impatient.aborted).toBe(true)
})
