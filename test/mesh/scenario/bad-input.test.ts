import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type DestinationRule,
  destinationRuleKind,
  type KubernetesObject,
  type NetworkingStatus,
  type ResourceKind,
  virtualServiceKind,
} from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { destinationRuleOf, serviceOf, virtualServiceOf } from '../../support/mesh-objects.ts'
import { type Backend, get, startBackend } from '../../support/mesh-world.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

let world: TrafficWorld
let web: Backend

/** One Service is spoilt again and again; the other one is nobody's business. */
beforeAll(async () => {
  world = await startTrafficWorld({
    pods: [{ name: 'client-0' }, { name: 'web-0', labels: { version: 'v1' } }],
    services: [
      { service: serviceOf('web'), pods: ['web-0'] },
      { service: serviceOf('other'), pods: ['web-0'] },
    ],
  })
  web = await startBackend('web', world.appAddress('web-0'))
}, 120_000)
afterAll(async () => {
  await web?.stop()
  await world?.stop()
})

const good = {
  http: [
    { route: [{ destination: { host: 'web', subset: 'v1' } }], headers: { response: { set: { 'x-good': '1' } } } },
  ],
}
const versions = (trafficPolicy?: object): DestinationRule =>
  destinationRuleOf('web', {
    host: 'web',
    subsets: [{ name: 'v1', labels: { version: 'v1' } }],
    ...(trafficPolicy === undefined ? {} : { trafficPolicy }),
  })
const routed = (http: object) => virtualServiceOf('web', { http: [http] })

interface Judged extends KubernetesObject {
  readonly status?: NetworkingStatus
}

async function untilCondition<T extends Judged>(kind: ResourceKind<T>, name: string, expected: object): Promise<void> {
  await eventually(
    () => {
      const object = world.api.list(kind).find(({ metadata }) => metadata.name === name)
      const [condition] = object?.status?.conditions ?? []
      expect(condition).toMatchObject({ ...expected, observedGeneration: object?.metadata.generation })
    },
    { within: 30_000 },
  )
}

/** The last good configuration answers, and the other Service as ever. */
async function expectGood(): Promise<void> {
  const answers = [await get(world.url('client-0', 'shop/web')), await get(world.url('client-0', 'shop/other'))]
  expect(answers.map(({ status, headers }) => [status, headers['x-good']])).toEqual([
    [200, '1'],
    [200, undefined],
  ])
}

async function placeGood(): Promise<void> {
  await world.place(destinationRuleKind, versions())
  await world.place(virtualServiceKind, virtualServiceOf('web', good))
  await untilCondition(virtualServiceKind, 'web', { status: 'True', reason: 'Programmed' })
  await expectGood()
}

const route = [{ destination: { host: 'web', subset: 'v1' } }]

test.each([
  [
    'a subset that there is not',
    routed({ route: [{ destination: { host: 'web', subset: 'v9' } }] }),
    'DestinationNotFound',
    'spec.http[0]: no DestinationRule gives web.shop.svc.cluster.local a subset "v9"; the version before stays in force',
  ],
  [
    'weights that sum to zero',
    routed({ route: [...route, ...route].map((each) => ({ ...each, weight: 0 })) }),
    'Invalid',
    'spec.http[0].route: the weights of several destinations must sum to more than 0',
  ],
  [
    'an expression that RE2 refuses',
    routed({ match: [{ uri: { regex: '/(?!a)' } }], route }),
    'Invalid',
    'spec.http[0].match[0].uri.regex: must be an RE2 expression',
  ],
  [
    'what every Envoy rejects',
    routed({ match: [{ headers: { 'a\nb': { exact: 'x' } } }], route }),
    'Rejected',
    expect.stringMatching(/^proxies keep their last good configuration; .*client-0\.shop: .*HeaderMatcher/),
  ],
])('%s: the object says so, and what was in force stays', async (_, object, reason, message) => {
  await placeGood()
  await world.place(virtualServiceKind, object)
  await untilCondition(virtualServiceKind, 'web', { status: 'False', reason, message })
  await expectGood()
})

test('a second object for a host: the younger one says so and does nothing', async () => {
  await placeGood()
  const http = [{ route, ...{ fault: { abort: { percentage: { value: 100 }, httpStatus: 418 } } } }]
  const metadata = { creationTimestamp: '2031-01-01T00:00:00Z' }
  await world.place(virtualServiceKind, virtualServiceOf('again', { hosts: ['web'], http }, { metadata }))
  const message =
    'spec.hosts: web.shop.svc.cluster.local is routed by the older VirtualService shop/web; merge the two or delete one'
  await untilCondition(virtualServiceKind, 'again', { status: 'False', reason: 'Conflict', message })
  await expectGood()
  await untilCondition(virtualServiceKind, 'web', { status: 'True' })
})

test('a DestinationRule whose cluster Envoys reject says so, and says no more when it is right', async () => {
  await placeGood()
  const gone = '/gone/client.pem'
  const tls = { mode: 'MUTUAL', clientCertificate: gone, privateKey: gone, caCertificates: 'system' }
  await world.place(destinationRuleKind, versions({ tls }))
  const message = expect.stringMatching(
    /^proxies keep their last good configuration; .*client-0\.shop: .*\/gone\/client\.pem/,
  )
  await untilCondition(destinationRuleKind, 'web', { status: 'False', reason: 'Rejected', message })
  await expectGood()
  await placeGood()
  await untilCondition(destinationRuleKind, 'web', { status: 'True', reason: 'Programmed' })
})
