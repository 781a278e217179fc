import { describe, expect, test } from 'vitest'
import type { DestinationRule } from '../../../src/api/index.ts'
import { translate } from '../../../src/mesh/istio/index.ts'
import type { Route } from '../../../src/mesh/model/index.ts'
import { destinationRuleOf, shopOf, splitBetween, virtualServiceOf } from '../../support/mesh-objects.ts'

const shop = shopOf()
const name = (service: string, subset = '') => `outbound|80|${subset}|${service}.shop.svc.cluster.local`
type Subsets = NonNullable<DestinationRule['spec']['subsets']>
const ruleOf = (host: string, trafficPolicy: object, subsets: Subsets = []) =>
  destinationRuleOf(host, { host, trafficPolicy, subsets })

/** The load balancing of a cluster, its warm-up and hash included. */
function balancingOf(trafficPolicy: object, subsets: Subsets = [], subset = '') {
  const mesh = translate({ ...shop, destinationRules: [ruleOf('web', trafficPolicy, subsets)] })
  expect(mesh.findings).toEqual([])
  const { loadBalancing, consistentHash, warmUp, protocol, ignoresLocality } =
    mesh.clusters.find((each) => each.name === name('web', subset)) ?? {}
  return { loadBalancing, consistentHash, warmUp, protocol, ...(ignoresLocality ? { ignoresLocality } : {}) }
}

const hash = (fields: object) => ({ loadBalancer: { consistentHash: fields } })
const http = { warmUp: undefined, consistentHash: undefined, protocol: 'http' }

describe('how endpoints are chosen', () => {
  const rows: readonly (readonly [string, object, object])[] = [
    [
      'by a header',
      hash({ httpHeaderName: 'X-User' }),
      { ...http, loadBalancing: 'ring-hash', consistentHash: { key: { kind: 'header', name: 'x-user' } } },
    ],
    [
      'by a cookie that the proxy gives, on a ring of a size',
      hash({ httpCookie: { name: 'user', path: '/', ttl: '1h' }, minimumRingSize: 2_048 }),
      {
        ...http,
        loadBalancing: 'ring-hash',
        consistentHash: { key: { kind: 'cookie', name: 'user', path: '/', ttlMs: 3_600_000 }, minimumRingSize: 2_048 },
      },
    ],
    [
      'by the address of the client, with maglev',
      hash({ useSourceIp: true, maglev: { tableSize: 65_537 } }),
      { ...http, loadBalancing: 'maglev', consistentHash: { key: { kind: 'source-address' }, tableSize: 65_537 } },
    ],
    [
      'by a query parameter',
      hash({ httpQueryParameterName: 'user', ringHash: { minimumRingSize: 4 } }),
      {
        ...http,
        loadBalancing: 'ring-hash',
        consistentHash: { key: { kind: 'query', name: 'user' }, minimumRingSize: 4 },
      },
    ],
    [
      'with a warm-up',
      { loadBalancer: { simple: 'ROUND_ROBIN', warmup: { duration: '30s', aggression: 2, minimumPercent: 5 } } },
      { ...http, loadBalancing: 'round-robin', warmUp: { windowMs: 30_000, aggression: 2, minimumPercent: 5 } },
    ],
    [
      'with the warm-up of old',
      { loadBalancer: { warmupDurationSecs: '10s' } },
      { ...http, loadBalancing: 'least-request', warmUp: { windowMs: 10_000 } },
    ],
    [
      'near or far',
      { loadBalancer: { simple: 'RANDOM', localityLbSetting: { enabled: false } } },
      { ...http, loadBalancing: 'random', ignoresLocality: true },
    ],
    [
      'by distance, as always',
      { loadBalancer: { localityLbSetting: { enabled: true } } },
      { ...http, loadBalancing: 'least-request' },
    ],
    [
      'over HTTP/2',
      { connectionPool: { http: { h2UpgradePolicy: 'UPGRADE' } } },
      { ...http, loadBalancing: 'least-request', protocol: 'http2' },
    ],
  ]
  test.each(rows)('%s', (_, policy, expected) => expect(balancingOf(policy)).toEqual(expected))

  test('a subset that says another way keeps nothing of the Service’s', () => {
    const subsets = [{ name: 'v1', labels: {}, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } }]
    expect(balancingOf(hash({ useSourceIp: true }), subsets, 'v1')).toEqual({ ...http, loadBalancing: 'random' })
  })

  test('the settings of a port stand alone, and a subset takes over what it names', () => {
    const policy = {
      connectionPool: { http: { h2UpgradePolicy: 'UPGRADE' } },
      portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: 'ROUND_ROBIN' } }],
    }
    const subsets = [
      { name: 'plain', labels: {} },
      { name: 'own', labels: {}, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
    ]
    expect(balancingOf(policy, subsets)).toEqual({ ...http, loadBalancing: 'round-robin' })
    expect(balancingOf(policy, subsets, 'plain')).toEqual({ ...http, loadBalancing: 'round-robin' })
    expect(balancingOf(policy, subsets, 'own')).toEqual({ ...http, loadBalancing: 'random' })
  })
})

describe('routes', () => {
  const routesOf = (virtualServices: readonly ReturnType<typeof virtualServiceOf>[]): readonly Route[] => {
    const destinationRules = [
      ruleOf('web', hash({ httpHeaderName: 'x-user' })),
      ruleOf('web-primary', hash({ useSourceIp: true })),
      ruleOf('web-canary', hash({ useSourceIp: true })),
    ]
    const mesh = translate({ ...shop, destinationRules, virtualServices })
    expect(mesh.findings).toEqual([])
    return (
      mesh.proxies
        .find(({ id }) => id.includes('client-0'))
        ?.routeTables.find((table) => table.name.startsWith('web.'))
        ?.virtualHosts.flatMap((host) => host.routes) ?? []
    )
  }

  test('carry the keys of their destinations, each once', () => {
    expect(routesOf([]).map(({ hashKeys }) => hashKeys)).toEqual([[{ kind: 'header', name: 'x-user' }]])
    const split = virtualServiceOf('web', { http: [{ route: splitBetween('web-primary', 'web-canary', 50) }] })
    expect(routesOf([split]).map(({ hashKeys }) => hashKeys)).toEqual([[{ kind: 'source-address' }]])
  })

  test('have several mirrors', () => {
    const mirrors = [
      { destination: { host: 'web-canary' }, percentage: { value: 12.5 } },
      { destination: { host: 'web' } },
      { destination: { host: 'web-primary' }, percentage: { value: 0 } },
    ]
    const routes = routesOf([
      virtualServiceOf('web', { http: [{ route: [{ destination: { host: 'web-primary' } }], mirrors }] }),
    ])
    expect(routes.map((route) => route.mirrors)).toEqual([
      [
        { cluster: name('web-canary'), percent: 12.5 },
        { cluster: name('web'), percent: 100 },
      ],
    ])
  })

  test('with mirror and mirrors are refused', () => {
    const host = { host: 'web-primary' }
    const virtualServices = [
      virtualServiceOf('web', {
        http: [{ route: [{ destination: host }], mirror: host, mirrors: [{ destination: host }] }],
      }),
    ]
    expect(translate({ ...shop, virtualServices }).findings.map(({ message }) => message)).toEqual([
      'spec.http[0].mirrors: cannot be beside mirror: move that into the list',
    ])
  })
})
