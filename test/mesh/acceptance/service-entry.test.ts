import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceEntryKind, sidecarKind, workloadEntryKind } from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { serviceEntryOf, serviceOf, sidecarOf, workloadEntryOf } from '../../support/mesh-objects.ts'
import { type Backend, get, samplesOf, startBackend, sumOf } from '../../support/mesh-world.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

let world: TrafficWorld
let outside: readonly Backend[] = []
beforeAll(async () => {
  world = await startTrafficWorld({ pods: [{ name: 'client-0' }], services: [{ service: serviceOf('web'), pods: [] }] })
  outside = await Promise.all([1, 2].map((index) => startBackend(`outside-${index}`, `${world.prefix}.200.${index}`)))
})
afterAll(async () => {
  for (const backend of outside) await backend.stop()
  await world?.stop()
})

const ask = async (host: string) => {
  const { status, body } = await get(`http://${world.envoy('client-0').address}:15080`, { headers: { host } })
  return status === 200 ? body : status
}
const port = { number: 8080, name: 'http', protocol: 'HTTP' }
const answersOf = async (host: string) => new Set(await Promise.all(Array.from({ length: 20 }, () => ask(host))))

test('only hosts that are entered are reached, and each as its resolution says', async () => {
  await world.place(sidecarKind, sidecarOf('default', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }))
  await eventually(async () => expect(await ask(`${world.prefix}.200.1:8080`)).toBe(502))

  const endpoints = [1, 2].map((index) => ({ address: `${world.prefix}.200.${index}` }))
  await world.place(
    serviceEntryKind,
    serviceEntryOf('api', { hosts: ['api.example.com'], ports: [port], resolution: 'STATIC', endpoints }),
  )
  await eventually(async () =>
    expect(await answersOf('api.example.com:8080')).toEqual(new Set(['outside-1', 'outside-2'])),
  )
  expect(outside[0]?.requests.at(-1)?.host).toBe('api.example.com:8080')

  await world.place(
    serviceEntryKind,
    // No name server can be counted on: a name that is an address is resolved all the same.
    serviceEntryOf('named', {
      hosts: ['named.example.com'],
      ports: [port],
      resolution: 'DNS',
      endpoints: [{ address: `${world.prefix}.200.2` }],
    }),
  )
  await eventually(async () => expect(await answersOf('named.example.com:8080')).toEqual(new Set(['outside-2'])))

  await world.place(
    serviceEntryKind,
    serviceEntryOf('open', { hosts: [`${world.prefix}.200.1`], ports: [port], resolution: 'NONE' }),
  )
  await eventually(async () => expect(await ask(`${world.prefix}.200.1:8080`)).toBe('outside-1'))
  expect(await ask(`${world.prefix}.200.2:8080`)).toBe(502)
})

test('a process outside of the cluster is entered, counted under its name, and leaves again', async () => {
  const entry = {
    hosts: ['legacy.example.com'],
    ports: [port],
    resolution: 'STATIC',
    location: 'MESH_INTERNAL',
    workloadSelector: { labels: { app: 'legacy' } },
  }
  await world.place(serviceEntryKind, serviceEntryOf('legacy', entry))
  await eventually(async () => expect(await ask('legacy.example.com:8080')).toBe(503))
  await world.place(
    workloadEntryKind,
    workloadEntryOf('machine', { address: `${world.prefix}.200.1`, labels: { app: 'legacy' } }),
  )
  await eventually(async () => expect(await ask('legacy.example.com:8080')).toBe('outside-1'))
  await eventually(async () => {
    const samples = await samplesOf(world.envoy('client-0'), 'istio_requests_total')
    const wanted = { destination_workload: 'machine', destination_service: 'legacy.example.com', response_code: '200' }
    expect(sumOf(samples, wanted)).toBe(1)
  })
  await world.api.client('test').delete(workloadEntryKind, { name: 'machine', namespace: 'shop' })
  await eventually(async () => expect(await ask('legacy.example.com:8080')).toBe(503))
})
