import { describe, expect, test } from 'vitest'
import { translate } from '../../../src/mesh/istio/index.ts'
import {
  destinationRuleOf,
  meshPodOf,
  serviceEntryOf,
  shopOf,
  sidecarOf,
  virtualServiceOf,
  workloadEntryOf,
} from '../../support/mesh-objects.ts'

const shop = shopOf()
const http = { number: 80, name: 'http', protocol: 'HTTP' }
const clusterOf = (host: string, objects: object, port = 80, subset = '') =>
  translate({ ...shop, ...objects }).clusters.find(({ name }) => name === `outbound|${port}|${subset}|${host}`)
const domainsOf = (objects: object) => {
  const [client] = translate({ ...shop, ...objects }).proxies
  const table = client?.routeTables.find(({ name }) => name === 'http_proxy')
  return table?.virtualHosts.filter(({ name }) => name.includes('example')).map(({ domains }) => domains)
}

describe('a ServiceEntry', () => {
  test('with addresses of its own', () => {
    const spec = {
      hosts: ['api.example.com'],
      ports: [
        { ...http, targetPort: 8080 },
        { number: 9000, name: 'grpc', protocol: 'GRPC' },
        { number: 5432, name: 'db' },
      ],
      resolution: 'STATIC',
      endpoints: [
        { address: '10.0.0.1', ports: { grpc: 9001 }, labels: { version: 'v1' }, weight: 3, locality: 'north/n1' },
        { address: '10.0.0.2', labels: { version: 'v2' } },
      ],
    }
    const destinationRules = [
      destinationRuleOf('api', { host: 'api.example.com', subsets: [{ name: 'v2', labels: { version: 'v2' } }] }),
    ]
    const objects = { serviceEntries: [serviceEntryOf('api', spec)], destinationRules }
    expect(clusterOf('api.example.com', objects)).toMatchObject({
      protocol: 'http',
      resolution: 'static',
      service: { namespace: 'shop', name: 'api.example.com', host: 'api.example.com' },
      endpoints: [
        { address: '10.0.0.1', port: 8080, weight: 3, locality: { region: 'north', zone: 'n1', subZone: '' } },
        { address: '10.0.0.2', port: 8080 },
      ],
    })
    expect(clusterOf('api.example.com', objects, 9000)).toMatchObject({
      protocol: 'http2',
      endpoints: [{ port: 9001 }, { port: 9000 }],
    })
    expect(clusterOf('api.example.com', objects, 5432)?.protocol).toBe('tcp')
    expect(clusterOf('api.example.com', objects, 80, 'v2')?.endpoints.map(({ address }) => address)).toEqual([
      '10.0.0.2',
    ])
    expect(domainsOf(objects)).toEqual([['api.example.com', 'api.example.com:80'], ['api.example.com:9000']])
  })

  const resolutions: readonly (readonly [string, object, string, readonly object[]])[] = [
    ['DNS', {}, 'dns', [{ address: 'api.example.com', port: 80 }]],
    ['DNS', { endpoints: [{ address: 'eu.example.com' }] }, 'dns', [{ address: 'eu.example.com', port: 80 }]],
    ['DNS_ROUND_ROBIN', {}, 'dns-one-address', [{ address: 'api.example.com', port: 80 }]],
    ['NONE', {}, 'none', []],
  ]
  test.each(resolutions)('with resolution %s %j', (resolution, rest, expected, endpoints) => {
    const serviceEntries = [serviceEntryOf('api', { hosts: ['api.example.com'], ports: [http], resolution, ...rest })]
    expect(clusterOf('api.example.com', { serviceEntries })).toMatchObject({ resolution: expected, endpoints })
  })

  test('with resolution NONE hands connections on to where they were going', () => {
    const ports = [{ number: 5432, name: 'db', protocol: 'TCP' }]
    const spec = { hosts: ['db.example'], addresses: ['10.0.0.7'], ports, resolution: 'NONE' }
    const { resolution, endpoints } =
      clusterOf('db.example', { serviceEntries: [serviceEntryOf('db', spec)] }, 5432) ?? {}
    expect([resolution, endpoints]).toEqual(['original-destination', []])
  })

  test('takes pods and WorkloadEntries of its namespace by their labels', () => {
    const spec = {
      hosts: ['legacy.example.com'],
      ports: [http],
      resolution: 'STATIC',
      workloadSelector: { labels: { app: 'legacy' } },
    }
    const entry = {
      address: '10.0.0.9',
      labels: { app: 'legacy', version: 'v7' },
      ports: { http: 8081 },
      serviceAccount: 'old',
    }
    const objects = {
      pods: [...shop.pods, meshPodOf('legacy-0', { workload: 'legacy', ip: '127.20.1.9' })],
      serviceEntries: [serviceEntryOf('legacy', spec)],
      workloadEntries: [
        workloadEntryOf('machine', entry),
        workloadEntryOf('other', { ...entry, labels: { app: 'other' } }),
        workloadEntryOf('elsewhere', entry, { namespace: 'other' }),
      ],
    }
    expect(clusterOf('legacy.example.com', objects)?.endpoints).toMatchObject([
      { address: '127.20.1.9', port: 80, workload: { workload: 'legacy' } },
      {
        address: '10.0.0.9',
        port: 8081,
        workload: { workload: 'machine', app: 'legacy', version: 'v7', serviceAccount: 'old', namespace: 'shop' },
      },
    ])
  })

  test('that is said to be inside of the mesh is spoken to in its TLS where pods take it', () => {
    const found = (location: string) => {
      const spec = {
        hosts: ['web.example'],
        ports: [{ ...http, targetPort: 8080 }],
        resolution: 'STATIC',
        workloadSelector: { labels: { app: 'web-primary' } },
        location,
      }
      const { endpoints, identities } =
        clusterOf('web.example', { serviceEntries: [serviceEntryOf('web', spec)] }) ?? {}
      return [endpoints?.map(({ takesMutualTls }) => takesMutualTls), identities]
    }
    expect(found('MESH_INTERNAL')).toEqual([[true], ['spiffe://cluster.local/ns/shop/sa/default']])
    expect(found('MESH_EXTERNAL')).toEqual([[undefined], []])
  })

  test('says as whom its endpoints prove themselves where a DestinationRule asks for the mesh’s TLS', () => {
    const endpoints = ['one', 'two'].map((serviceAccount, index) => ({ address: `10.0.0.${index}`, serviceAccount }))
    const spec = { hosts: ['web.example'], ports: [http], resolution: 'STATIC', endpoints }
    const tls = { mode: 'ISTIO_MUTUAL' }
    const objects = {
      serviceEntries: [serviceEntryOf('web', spec)],
      destinationRules: [destinationRuleOf('web', { host: 'web.example', trafficPolicy: { tls } })],
    }
    const { identities, tls: asked } = clusterOf('web.example', objects) ?? {}
    expect([asked?.kind, identities]).toEqual([
      'mesh',
      ['spiffe://cluster.local/ns/shop/sa/one', 'spiffe://cluster.local/ns/shop/sa/two'],
    ])
  })

  test('routes lead to it, and Sidecar and exportTo count for it', () => {
    const entry = (exportTo: readonly string[]) =>
      serviceEntryOf('api', { hosts: ['api.example.com'], ports: [http], resolution: 'DNS', exportTo })
    const virtualServices = [
      virtualServiceOf('web', { http: [{ route: [{ destination: { host: 'api.example.com' } }] }] }),
    ]
    expect(translate({ ...shop, serviceEntries: [entry([])], virtualServices }).findings).toEqual([])
    expect(domainsOf({ serviceEntries: [entry(['other'])] })).toEqual([])
    const sidecars = [sidecarOf('default', { egress: [{ hosts: ['./api.example.com'] }] })]
    expect(domainsOf({ serviceEntries: [entry([])], sidecars })).toHaveLength(1)
    expect(
      domainsOf({ serviceEntries: [entry([])], sidecars: [sidecarOf('default', { egress: [{ hosts: ['~/*'] }] })] }),
    ).toEqual([])
  })

  const api = { hosts: ['api.example.com'], ports: [http] }
  const refused: readonly (readonly [string, object, string])[] = [
    [
      'a wildcard that is to be resolved',
      { ...api, hosts: ['*.example.com'], resolution: 'DNS' },
      'spec.hosts: hosts with a wildcard are for resolution NONE',
    ],
    [
      'endpoints that nobody asks',
      { ...api, endpoints: [{ address: '10.0.0.1' }] },
      'spec.endpoints: resolution NONE has no endpoints: requests go where they ask to go',
    ],
    [
      'names in the place of addresses',
      { ...api, resolution: 'STATIC', endpoints: [{ address: 'a.example' }] },
      'spec.endpoints: the addresses of resolution STATIC must be IP addresses',
    ],
    [
      'a selector of names',
      { ...api, resolution: 'DNS', workloadSelector: { labels: {} } },
      'spec.workloadSelector: is for resolution STATIC',
    ],
    [
      'another network',
      { ...api, resolution: 'STATIC', endpoints: [{ address: '10.0.0.1', network: 'far' }] },
      'spec.endpoints[0].network: this mesh does not support the field: leave it out; every address must be reachable directly',
    ],
    ['no ports', { hosts: ['a.example'] }, 'spec.ports: must be given'],
    [
      'two ports of one number',
      { ...api, ports: [http, { number: 80, name: 'again', protocol: 'TCP' }] },
      'spec.ports[1].number: is the number of spec.ports[0], too',
    ],
    [
      'two ports of one name',
      { ...api, ports: [http, { ...http, number: 81 }] },
      'spec.ports[1].name: is the name of spec.ports[0], too',
    ],
    [
      'another port where requests go by themselves',
      { ...api, ports: [{ ...http, targetPort: 8080 }] },
      'spec.ports[0].targetPort: is for endpoints, and resolution NONE has none: requests go to the port that they ask for',
    ],
    [
      'a port of an endpoint that it does not have itself',
      { ...api, resolution: 'STATIC', endpoints: [{ address: '10.0.0.1', ports: { web: 8080 } }] },
      'spec.endpoints[0].ports.web: is no name of spec.ports: http',
    ],
  ]
  test.each(refused)('with %s is refused', (_, spec, message) => {
    const serviceEntries = [{ ...serviceEntryOf('api', api), spec }]
    const { findings } = translate({ ...shop, ...{ serviceEntries } } as typeof shop)
    expect(findings).toEqual([
      { object: { kind: 'ServiceEntry', namespace: 'shop', name: 'api' }, reason: 'Invalid', message },
    ])
  })

  test('for a host that somebody else has is told so', () => {
    const entry = (name: string, host: string, creationTimestamp: string) =>
      serviceEntryOf(name, { hosts: [host], ports: [http], resolution: 'DNS' }, { creationTimestamp })
    const serviceEntries = [
      entry('young', 'api.example.com', '2031-01-01T00:00:00Z'),
      entry('old', 'api.example.com', '2030-01-01T00:00:00Z'),
      entry('web', 'web.shop.svc.cluster.local', '2030-01-01T00:00:00Z'),
      entry('web-too', 'web.shop', '2030-01-01T00:00:00Z'),
    ]
    expect(
      translate({ ...shop, serviceEntries }).findings.map(({ object, message }) => `${object.name}: ${message}`),
    ).toEqual([
      'web: spec.hosts: web.shop.svc.cluster.local is known already, by a Service of the namespace shop',
      'web-too: spec.hosts: web.shop is known already, by a Service of the namespace shop',
      'young: spec.hosts: api.example.com is known already, by an older ServiceEntry of the namespace shop',
    ])
  })

  test('a WorkloadEntry whose address is a name is refused', () => {
    const { findings } = translate({ ...shop, workloadEntries: [workloadEntryOf('machine', { address: 'a.example' })] })
    expect(findings.map(({ message }) => message)).toEqual(['spec.address: must be an IP address'])
  })
})
