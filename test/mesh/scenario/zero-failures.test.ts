import { Agent } from 'node:http'
import { setInterval } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { destinationRuleKind, virtualServiceKind } from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { destinationRuleOf, namespaceName, serviceOf, virtualServiceOf } from '../../support/mesh-objects.ts'
import { type Backend, get, readVirtualService, startBackend } from '../../support/mesh-world.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

const pods = ['v1-a', 'v1-b', 'v2-a', 'v2-b', 'v3-a'] as const
const always = ['v1-a', 'v2-a'] as const
const certificates = { leafLifetimeMs: 12_000 }

let world: TrafficWorld
let backends: Backend[] = []
beforeAll(async () => {
  world = await startTrafficWorld({
    pods: [{ name: 'client-0' }, ...pods.map((name) => ({ name, labels: { app: 'web', version: name.slice(0, 2) } }))],
    services: [{ service: serviceOf('web'), pods: [...always] }],
    certificates,
  })
  backends = await Promise.all(pods.map((name) => startBackend(name, world.appAddress(name))))
  const subsets = ['v1', 'v2', 'v3'].map((version) => ({ name: version, labels: { version } }))
  await world.place(destinationRuleKind, destinationRuleOf('web', { host: 'web', subsets }))
  await route({ v1: 100, v2: 0 })
  await untilProgrammed()
})
afterAll(async () => {
  await world?.stop()
  await Promise.all(backends.map((backend) => backend.stop()))
})

const route = (weights: Readonly<Record<string, number>>) => {
  const split = Object.entries(weights).map(([subset, weight]) => ({ destination: { host: 'web', subset }, weight }))
  return world.place(virtualServiceKind, virtualServiceOf('web', { http: [{ route: split }] }))
}

const untilProgrammed = () =>
  eventually(
    () => {
      const object = readVirtualService(world.api, 'web', namespaceName)
      const condition = object?.status?.conditions?.find(({ type }) => type === 'Programmed')
      expect(condition).toMatchObject({ status: 'True', observedGeneration: object?.metadata.generation })
    },
    { within: 20_000 },
  )

/** Calls again and again, so many times a second, whatever the calls before it do. */
async function repeat(eachMs: number, signal: AbortSignal, act: (turn: number) => Promise<void>): Promise<void> {
  const acts: Promise<void>[] = []
  for await (const _ of setInterval(eachMs)) {
    if (signal.aborted) break
    acts.push(act(acts.length))
  }
  await Promise.all(acts)
}

const serialOf = async (pod: string) => {
  const { certificates: shown } = JSON.parse(await world.envoy(pod).admin('/certs')) as {
    certificates: { cert_chain: { serial_number: string }[] }[]
  }
  return shown.flatMap(({ cert_chain: chain }) => chain.map(({ serial_number: serial }) => serial)).join()
}

test('weights, certificates, endpoints and the control plane change, and no client notices', {
  timeout: 240_000,
}, async () => {
  const stop = new AbortController()
  const answers: string[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const load = repeat(20, stop.signal, async () => {
    const { status, body } = await get(world.url('client-0', 'shop/web'), { agent })
    answers.push(status === 200 ? body.slice(0, 2) : `${status}: ${body}`)
  })
  const churn = repeat(50, stop.signal, async (turn) => {
    const coming = [['v1-b'], ['v2-b'], ['v1-b', 'v2-b'], []][turn % 4] ?? []
    await world.placeSlice('shop/web', [...always, ...coming])
  })
  const serial = await serialOf('v1-a')

  for (let change = 1; change <= 100; change += 1) {
    await route({ v1: 100 - change, v2: change })
    if (change === 40) await world.mesh().stop()
    if (change === 60) await world.restartMesh()
    const sent = answers.length
    await eventually(() => expect(answers.length).toBeGreaterThan(sent))
  }
  await untilProgrammed()
  await eventually(async () => expect(await serialOf('v1-a')).not.toBe(serial), { within: 20_000 })
  const settled = answers.length + 20
  await eventually(() => expect(answers.length).toBeGreaterThan(settled))

  stop.abort()
  await Promise.all([load, churn])
  agent.destroy()
  expect(answers.filter((answer) => !/^v[12]$/.test(answer))).toEqual([])
  expect(answers.length).toBeGreaterThan(100)
  expect(answers.slice(-10)).toEqual(Array.from({ length: 10 }, () => 'v2'))
})

test('a route that is heard of before the endpoints it leads to waits for them', async () => {
  const stop = new AbortController()
  const answers: string[] = []
  const load = repeat(20, stop.signal, async () => {
    const { status, body } = await get(world.url('client-0', 'shop/web'))
    answers.push(status === 200 ? body.slice(0, 2) : `${status}: ${body}`)
  })
  await route({ v3: 100 })
  const sent = answers.length
  // The endpoints come some requests later.
  await eventually(() => expect(answers.length).toBeGreaterThan(sent + 15))
  await world.placeSlice('shop/web', pods)
  await eventually(() => expect(answers.at(-1)).toBe('v3'))
  await untilProgrammed()
  stop.abort()
  await load
  expect(answers.filter((answer) => !/^v[123]$/.test(answer))).toEqual([])
})
