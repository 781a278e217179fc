import { Registry } from 'prom-client'
import { endpointSliceKind, namespaceKind, podKind, serviceKind, virtualServiceKind } from '../../src/api/index.ts'
import { createReflector } from '../../src/kube/index.ts'
import { createControlPlane } from '../../src/mesh/control-plane/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { createMemoryApi } from '../../test/support/memory-api.ts'
import { answerParent } from './messages.ts'
import { createWorld, weightedRoute } from './world.ts'

/** The control plane over objects in memory: everything between a written VirtualService and the wire is its own. */
const [services = 0, proxies = 0] = process.argv.slice(2).map(Number)
const api = createMemoryApi(Date.now)
const client = api.client('bench')
const world = createWorld({ services, proxies })
await client.create(namespaceKind, world.namespace)
for (const service of world.services) await client.create(serviceKind, service)
for (const slice of world.endpointSlices) await client.create(endpointSliceKind, slice)
for (const pod of world.pods) {
  await client.create(podKind, pod)
  await client.patch(podKind, pod.metadata, { status: pod.status ?? {} }, { type: 'merge', subresource: 'status' })
}
await client.create(virtualServiceKind, weightedRoute(0))

const mesh = createControlPlane({
  client: api.client('mesh'),
  reflectorOf: (kind) => createReflector({ client: api.client('mesh'), kind, clock: systemClock, log: silentLogger }),
  // The token of a proxy of the bench is the name of its pod.
  xds: { host: '127.0.0.1', port: 0, authenticate: async (pod) => ({ namespace: 'shop', pod: pod ?? '' }) },
  clock: systemClock,
  log: silentLogger,
  registry: new Registry(),
  returnWithinMs: 0,
})
const running = mesh.start(new AbortController().signal)
const port = await Promise.race([mesh.serving, running.then(() => Promise.reject(new Error('the mesh ended')))])
await answerParent({
  port,
  async change(round) {
    const at = process.hrtime.bigint()
    const { name, namespace } = weightedRoute(round).metadata
    await client.patch(virtualServiceKind, { name, namespace }, { spec: weightedRoute(round).spec }, { type: 'merge' })
    return at
  },
})
