import { describe, expect, test } from 'vitest'
import { renderBootstrap, renderMesh, resourceToJson } from '../../../src/mesh/envoy/index.ts'
import { translate } from '../../../src/mesh/istio/index.ts'
import {
  destinationRuleOf,
  meshPodOf,
  shopOf,
  sliceOf,
  splitBetween,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'

const routed = (weight: number) => ({
  ...shopOf(),
  virtualServices: [
    virtualServiceOf('web', {
      hosts: ['web', 'shop.example'],
      gateways: ['mesh', 'public'],
      http: [
        {
          name: 'mirrored',
          match: [{ method: { regex: 'GET|HEAD' } }],
          route: splitBetween('web-primary', 'web-canary', weight),
          mirror: { host: 'web-canary' },
          mirrorPercentage: { value: 10 },
        },
        { name: 'split', route: splitBetween('web-primary', 'web-canary', weight), timeout: '1500ms' },
      ],
    }),
  ],
})

const resourcesOf = (weight: number, pod: string) =>
  [...renderMesh(translate(routed(weight)))].find(([id]) => id.includes(`~${pod}.`))?.[1] ?? []

describe('what Envoy is told', () => {
  // A change here is a change of every proxy: read it before it is accepted.
  test.each([
    [
      'sidecar',
      'client-0',
      /^(BlackHoleCluster|inbound\|.*|outbound\|80\|\|web\..*|outbound\|127.20.160.1\|.*|web\..*:80)$/,
    ],
    ['gateway', 'gateway-0', /^(outbound\|127.20.1.4\|.*|http\.80)$/],
  ])('as a %s', async (role, pod, names) => {
    const shown = resourcesOf(20, pod).filter(({ name }) => names.test(name))
    const text = JSON.stringify(shown.map(resourceToJson), undefined, 2)
    await expect(`${text}\n`).toMatchFileSnapshot(`golden/${role}.txt`)
  })

  test('the bootstrap', async () => {
    const text = renderBootstrap({
      nodeId: 'sidecar~127.20.1.1~client-0.shop~shop.svc.cluster.local',
      nodeCluster: 'client.shop',
      xds: { address: '127.20.0.1', port: 15_010, token: 'secret' },
      metrics: { address: '127.20.1.1', port: 15_090 },
      adminSocketPath: '/run/admin.sock',
    })
    await expect(text).toMatchFileSnapshot('golden/bootstrap.txt')
  })

  test('a weight touches route tables and virtual hosts and nothing else', () => {
    for (const pod of ['client-0', 'web-primary-0', 'gateway-0']) {
      const bytes = (weight: number) =>
        new Map(
          resourcesOf(weight, pod).map(({ type, name, message }) => [
            `${type} ${name}`,
            Buffer.from(message).toString('hex'),
          ]),
        )
      const [before, after] = [bytes(20), bytes(30)]
      const changed = [...after].filter(([key, value]) => before.get(key) !== value).map(([key]) => key)
      expect([...before.keys()]).toEqual([...after.keys()])
      expect(changed.length).toBeGreaterThan(0)
      expect(changed.filter((key) => !/^(routes|virtualHost) /.test(key))).toEqual([])
    }
  })

  test('where failing endpoints are left out, the nearest come first for a proxy that says where it is', () => {
    const at = (name: string, index: number, locality?: string) =>
      meshPodOf(name, {
        ip: `127.20.1.${index}`,
        ...(locality === undefined ? {} : { labels: { 'istio-locality': locality } }),
      })
    const pods = [
      at('here', 1, 'north.n1.a'),
      at('zone', 2, 'north.n1.b'),
      at('region', 3, 'north.n2.a'),
      at('far', 4, 'south.s1.a'),
      at('nowhere', 5),
    ]
    const priorities = (proxy: string, outlierDetection?: object) => {
      const objects = {
        ...shopOf(),
        pods,
        endpointSlices: [sliceOf('web', pods)],
        destinationRules: [
          destinationRuleOf('web', { host: 'web', trafficPolicy: outlierDetection ? { outlierDetection } : {} }),
        ],
      }
      const resources = [...renderMesh(translate(objects))].find(([id]) => id.includes(`~${proxy}.`))?.[1] ?? []
      const assignment = resources.find(({ type, name }) => type === 'endpoints' && name.includes('|web.shop.'))
      const { endpoints } = (assignment && resourceToJson(assignment)) as {
        endpoints: {
          priority?: number
          lbEndpoints: { endpoint: { address: { socketAddress: { address: string } } } }[]
        }[]
      }
      return endpoints.flatMap(({ priority = 0, lbEndpoints }) =>
        lbEndpoints.map(({ endpoint }) => [endpoint.address.socketAddress.address.at(-1), priority]),
      )
    }
    const alike = [
      ['1', 0],
      ['2', 0],
      ['3', 0],
      ['4', 0],
      ['5', 0],
    ]
    expect(priorities('here', {})).toEqual([
      ['1', 0],
      ['2', 1],
      ['3', 2],
      ['4', 3],
      ['5', 3],
    ])
    expect(priorities('far', {})).toEqual([
      ['1', 1],
      ['2', 1],
      ['3', 1],
      ['4', 0],
      ['5', 1],
    ])
    expect(priorities('nowhere', {})).toEqual(alike)
    expect(priorities('here')).toEqual(alike)
  })

  test('what proxies share is one object', () => {
    const [first, second] = [...renderMesh(translate(routed(20))).values()]
    const shared = first?.filter((resource) => second?.includes(resource))
    expect(shared?.map(({ type, name }) => `${type} ${name}`)).toContain('routes http_proxy')
  })
})
