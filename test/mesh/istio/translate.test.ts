import { describe, expect, test } from 'vitest'
import { publishedPort, type VirtualService } from '../../../src/api/index.ts'
import { type ClusterObjects, translate } from '../../../src/mesh/istio/index.ts'
import type { Mesh, MeshProxy, Route } from '../../../src/mesh/model/index.ts'
import {
  destinationRuleOf,
  gatewayOf,
  meshPodOf,
  namespaceOf,
  serviceOf,
  shopOf,
  sliceOf,
  splitBetween,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'

const shop = shopOf()
const host = (name: string) => `${name}.shop.svc.cluster.local`
const cluster = (name: string, subset = '') => `outbound|80|${subset}|${host(name)}`
const defaults = {
  attempts: 2,
  retryOn: ['connect-failure', 'refused-stream', 'unavailable', 'cancelled', 'retriable-status-codes'],
  statusCodes: [],
}
const origin = (name: string) => ({ kind: 'VirtualService', namespace: 'shop', name })

const proxyOf = (mesh: Mesh, name: string): MeshProxy => {
  const proxy = mesh.proxies.find(({ id }) => id.includes(`~${name}.`))
  if (proxy === undefined) throw new Error(`there is no proxy ${name}`)
  return proxy
}

const routesOf = (mesh: Mesh, table: string, proxy = 'client-0'): readonly Route[] =>
  proxyOf(mesh, proxy)
    .routeTables.filter(({ name }) => name === table)
    .flatMap(({ virtualHosts }) => virtualHosts.flatMap(({ routes }) => routes))

const withRoutes = (...virtualServices: VirtualService[]): ClusterObjects => ({ ...shop, virtualServices })
const webTable = `${host('web')}:80`

describe('routes of a VirtualService', () => {
  const to = (name: string, http: object = {}) => ({ route: [{ destination: { host: name } }], ...http })
  const answered = (http: object) => ({ ...http })
  const plain = (name: string) => ({
    clusters: [{ cluster: cluster(name), weight: 1 }],
    match: { headers: [], queryParameters: [] },
    name: 'default',
    origin: origin('web'),
    retries: defaults,
  })
  const rows: readonly (readonly [string, NonNullable<VirtualService['spec']['http']>, readonly object[]])[] = [
    ['a short name is a Service of the object’s namespace', [to('web-canary')], [plain('web-canary')]],
    ['a full name is itself', [to(host('web-canary'))], [plain('web-canary')]],
    [
      'weights are kept as they are, 0 included',
      [{ route: splitBetween('web-primary', 'web-canary', 0) }],
      [
        {
          ...plain('web'),
          clusters: [
            { cluster: cluster('web-primary'), weight: 100 },
            { cluster: cluster('web-canary'), weight: 0 },
          ],
        },
      ],
    ],
    [
      'a route is called by its rule and its match',
      [
        { ...to('web'), name: 'rule', match: [{ name: 'a', uri: { exact: '/a' } }, { uri: { exact: '/b' } }] },
        { ...to('web'), match: [{ name: 'c' }] },
      ],
      [
        {
          ...plain('web'),
          name: 'rule.a',
          match: { path: { kind: 'exact', value: '/a' }, headers: [], queryParameters: [] },
        },
        {
          ...plain('web'),
          name: 'rule',
          match: { path: { kind: 'exact', value: '/b' }, headers: [], queryParameters: [] },
        },
        { ...plain('web'), name: 'c' },
      ],
    ],
    [
      'retries say how long to wait, and whether to ask the same endpoint again',
      [{ ...to('web'), retries: { attempts: 1, ...{ backoff: '2s', retryIgnorePreviousHosts: false } } }],
      [{ ...plain('web'), retries: { ...defaults, attempts: 1, backOffMs: 2_000, mayAskSameHost: true } }],
    ],
    [
      'each match is a route, in declared order, and nothing follows one that takes everything',
      [
        { ...to('web-canary'), match: [{ uri: { exact: '/a' } }, { method: { exact: 'GET' } }] },
        to('web-primary'),
        to('web'),
      ],
      [
        { ...plain('web-canary'), match: { path: { kind: 'exact', value: '/a' }, headers: [], queryParameters: [] } },
        {
          ...plain('web-canary'),
          match: { headers: [{ name: ':method', match: { kind: 'exact', value: 'GET' } }], queryParameters: [] },
        },
        plain('web-primary'),
      ],
    ],
    [
      'names of headers are lower case and {} asks for presence',
      [{ ...to('web'), match: [{ headers: { 'X-B': {}, 'X-A': { prefix: 'p' } }, withoutHeaders: { 'X-C': {} } }] }],
      [
        {
          ...plain('web'),
          match: {
            headers: [
              { name: 'x-a', match: { kind: 'prefix', value: 'p' } },
              { name: 'x-b', match: { kind: 'present' } },
              { name: 'x-c', match: { kind: 'present' }, invert: true },
            ],
            queryParameters: [],
          },
        },
      ],
    ],
    [
      'a mirror without a percentage gets everything',
      [to('web-primary', { mirror: { host: 'web-canary' } })],
      [{ ...plain('web-primary'), mirrors: [{ cluster: cluster('web-canary'), percent: 100 }] }],
    ],
    [
      'a mirror of 0 percent is none',
      [to('web-primary', { mirror: { host: 'web-canary' }, mirrorPercentage: { value: 0 } })],
      [plain('web-primary')],
    ],
    [
      'retries: numbers are status codes, none is none',
      [
        to('web', {
          match: [{ uri: { prefix: '/a' } }],
          timeout: '1m',
          retries: { attempts: 3, perTryTimeout: '2s', retryOn: '5xx, 503' },
        }),
        to('web', { retries: { attempts: 0 } }),
      ],
      [
        {
          ...plain('web'),
          match: { path: { kind: 'prefix', value: '/a' }, headers: [], queryParameters: [] },
          timeoutMs: 60_000,
          retries: {
            attempts: 3,
            perTryTimeoutMs: 2_000,
            retryOn: ['5xx', 'retriable-status-codes'],
            statusCodes: [503],
          },
        },
        { clusters: plain('web').clusters, match: plain('web').match, name: 'default', origin: origin('web') },
      ],
    ],
    [
      'retries may leave the localities that were tried',
      [to('web', { retries: { attempts: 3, retryOn: '5xx,retriable-4xx', retryRemoteLocalities: true } })],
      [
        {
          ...plain('web'),
          retries: { attempts: 3, retryOn: ['5xx', 'retriable-4xx'], statusCodes: [], remoteLocalities: true },
        },
      ],
    ],
    [
      'headers are edited by a rule and by its destinations, names in lower case',
      [
        to('web', {
          route: [{ destination: { host: 'web' }, headers: { response: { add: { 'X-By': 'web' } } } }],
          headers: { request: { set: { 'X-B': '2', 'x-a': '1' }, remove: ['X-Secret'] } },
        }),
      ],
      [
        {
          ...plain('web'),
          clusters: [
            {
              cluster: cluster('web'),
              weight: 1,
              headers: { response: { set: [], add: [{ name: 'x-by', value: 'web' }], remove: [] } },
            },
          ],
          headers: {
            request: {
              set: [
                { name: 'x-a', value: '1' },
                { name: 'x-b', value: '2' },
              ],
              add: [],
              remove: ['x-secret'],
            },
          },
        },
      ],
    ],
    [
      'a redirect and a direct response have no destination',
      [
        {
          match: [{ uri: { exact: '/old' } }],
          ...{ redirect: { uri: '/new', authority: 'other', redirectCode: 308 } },
        },
        { match: [{ uri: { exact: '/moved' } }], ...{ redirect: { scheme: 'https', port: 8443 } } },
        answered({ directResponse: { status: 503, body: { string: 'closed' } } }),
      ],
      [
        {
          clusters: [],
          name: 'default',
          origin: origin('web'),
          match: { path: { kind: 'exact', value: '/old' }, headers: [], queryParameters: [] },
          answer: { kind: 'redirect', status: 308, authority: 'other', path: '/new' },
        },
        {
          clusters: [],
          name: 'default',
          origin: origin('web'),
          match: { path: { kind: 'exact', value: '/moved' }, headers: [], queryParameters: [] },
          answer: { kind: 'redirect', status: 301, scheme: 'https', port: 8443 },
        },
        {
          clusters: [],
          name: 'default',
          origin: origin('web'),
          match: { headers: [], queryParameters: [] },
          answer: { kind: 'direct', status: 503, body: 'closed' },
        },
      ],
    ],
    [
      'pages of other origins',
      [
        to('web', {
          corsPolicy: { allowOrigins: [{ exact: 'https://a.example' }], allowMethods: ['GET', 'PUT'], maxAge: '24h' },
        }),
      ],
      [
        {
          ...plain('web'),
          cors: {
            allowOrigins: [{ kind: 'exact', value: 'https://a.example' }],
            allowMethods: ['GET', 'PUT'],
            allowHeaders: [],
            exposeHeaders: [],
            maxAgeMs: 86_400_000,
            allowCredentials: false,
          },
        },
      ],
    ],
    [
      'paths and hosts are rewritten',
      [
        to('web', { match: [{ uri: { prefix: '/a' } }], rewrite: { uri: '/b', authority: 'other' } }),
        to('web', { rewrite: { uriRegexRewrite: { match: '/(.*)', rewrite: '/x/\\1' } } }),
      ],
      [
        {
          ...plain('web'),
          match: { path: { kind: 'prefix', value: '/a' }, headers: [], queryParameters: [] },
          rewrite: { path: { kind: 'matched', value: '/b' }, authority: 'other' },
        },
        { ...plain('web'), rewrite: { path: { kind: 'regex', pattern: '/(.*)', substitution: '/x/\\1' } } },
      ],
    ],
    [
      'a fault has a share of each kind; a kind without a share is none, as in Istio',
      [
        to('web', {
          match: [{ uri: { prefix: '/a' } }],
          fault: {
            delay: { percentage: { value: 0.5 }, fixedDelay: '1500ms' },
            abort: { percentage: { value: 5 }, httpStatus: 429 },
          },
        }),
        to('web', { fault: { delay: { fixedDelay: '5s' }, abort: { percentage: {}, httpStatus: 500 } } }),
      ],
      [
        {
          ...plain('web'),
          match: { path: { kind: 'prefix', value: '/a' }, headers: [], queryParameters: [] },
          fault: { delay: { percent: 0.5, durationMs: 1_500 }, abort: { percent: 5, status: 429 } },
        },
        plain('web'),
      ],
    ],
    [
      'matches on another port, gateway or source are not for this proxy',
      [
        to('web', { match: [{ port: 81 }] }),
        to('web', { match: [{ gateways: ['public'] }] }),
        to('web', { match: [{ sourceLabels: { app: 'nobody' } }] }),
        to('web', { match: [{ sourceNamespace: 'other' }] }),
        to('web-primary', { match: [{ port: 80, gateways: ['mesh'], sourceLabels: { app: 'client' } }] }),
      ],
      [plain('web-primary')],
    ],
  ]
  test.each(rows)('%s', (_, http, expected) => {
    const mesh = translate(withRoutes(virtualServiceOf('web', { http })))
    expect(mesh.findings).toEqual([])
    expect(routesOf(mesh, webTable)).toEqual(expected)
  })

  test('a subset has a cluster of its own, with the endpoints that its labels select', () => {
    const v2 = meshPodOf('web-primary-1', { workload: 'web-primary', ip: '127.20.1.7', labels: { version: 'v2' } })
    const mesh = translate({
      ...shop,
      pods: [...shop.pods, v2],
      endpointSlices: [sliceOf('web', [...shop.pods.slice(1, 2), v2])],
      destinationRules: [
        destinationRuleOf('web', {
          host: 'web',
          trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } },
          subsets: [{ name: 'v2', labels: { version: 'v2' } }],
        }),
      ],
      virtualServices: [
        virtualServiceOf('web', { http: [{ route: [{ destination: { host: 'web', subset: 'v2' } }] }] }),
      ],
    })
    expect(mesh.findings).toEqual([])
    expect(routesOf(mesh, webTable)[0]?.clusters).toEqual([{ cluster: cluster('web', 'v2'), weight: 1 }])
    const found = mesh.clusters.filter(({ service }) => service.name === 'web')
    expect(
      found.map(({ name, loadBalancing, endpoints }) => [name, loadBalancing, endpoints.map((each) => each.address)]),
    ).toEqual([
      [cluster('web'), 'round-robin', ['127.20.1.2', '127.20.1.7']],
      [cluster('web', 'v2'), 'round-robin', ['127.20.1.7']],
    ])
  })
})

describe('policies of a DestinationRule', () => {
  const limits = {
    maxConnections: 100,
    connectTimeoutMs: 2_000,
    maxPendingRequests: 10,
    maxRequests: 1_000,
    maxRequestsPerConnection: 2,
    maxRetries: 3,
    idleTimeoutMs: 60_000,
  }
  const detection = {
    consecutive5xx: 5,
    consecutiveGatewayErrors: 0,
    intervalMs: 30_000,
    baseEjectionTimeMs: 60_000,
    maxEjectionPercent: 50,
    minHealthPercent: 0,
  }
  const whole = {
    connectionPool: {
      tcp: { maxConnections: 100, connectTimeout: '2s' },
      http: {
        h2UpgradePolicy: 'DEFAULT',
        http1MaxPendingRequests: 10,
        http2MaxRequests: 1_000,
        maxRequestsPerConnection: 2,
        maxRetries: 3,
        idleTimeout: '1m',
      },
    },
    outlierDetection: {
      consecutive5xxErrors: 5,
      consecutiveGatewayErrors: 0,
      interval: '30s',
      baseEjectionTime: '60s',
      maxEjectionPercent: 50,
    },
    loadBalancer: { simple: 'ROUND_ROBIN' },
  }
  const v1 = (trafficPolicy?: object) => [{ name: 'v1', labels: {}, ...(trafficPolicy && { trafficPolicy }) }]
  const all = { loadBalancing: 'round-robin', connectionPool: limits, outlierDetection: detection }
  const rows: readonly (readonly [string, object, object, object])[] = [
    ['none', {}, { loadBalancing: 'least-request' }, { loadBalancing: 'least-request' }],
    ['one that says everything, which a subset inherits', { trafficPolicy: whole, subsets: v1() }, all, all],
    [
      'one of a subset takes the place of what it names only',
      { trafficPolicy: whole, subsets: v1({ loadBalancer: { simple: 'LEAST_REQUEST' } }) },
      all,
      { ...all, loadBalancing: 'least-request' },
    ],
    [
      'a pool or a detection of a subset is taken whole, as in Istio',
      {
        trafficPolicy: whole,
        subsets: v1({ connectionPool: { http: { maxRetries: 1 } }, outlierDetection: { minHealthPercent: 20 } }),
      },
      all,
      { ...all, connectionPool: { maxRetries: 1 }, outlierDetection: { minHealthPercent: 20 } },
    ],
    [
      '0 is no limit',
      { trafficPolicy: { connectionPool: { tcp: { maxConnections: 0 }, http: { maxRequestsPerConnection: 0 } } } },
      { loadBalancing: 'least-request', connectionPool: {} },
      { loadBalancing: 'least-request', connectionPool: {} },
    ],
  ]
  test.each(rows)('%s', (_, spec, ofService, ofSubset) => {
    const destinationRules = [destinationRuleOf('web', { host: 'web', subsets: v1(), ...spec })]
    const mesh = translate({ ...shop, destinationRules })
    expect(mesh.findings).toEqual([])
    const policyOf = (name: string) => {
      const found = mesh.clusters.find((each) => each.name === name)
      const { loadBalancing, connectionPool, outlierDetection } = found ?? {}
      return { loadBalancing, connectionPool, outlierDetection }
    }
    expect(policyOf(cluster('web'))).toEqual(ofService)
    expect(policyOf(cluster('web', 'v1'))).toEqual(ofSubset)
  })

  const refused: readonly (readonly [string, object, string])[] = [
    [
      'where requests go in other regions',
      { loadBalancer: { simple: 'ROUND_ROBIN', localityLbSetting: { failover: [{ from: 'a', to: 'b' }] } } },
      'spec.trafficPolicy.loadBalancer.localityLbSetting.failover: this mesh does not choose where to fail over to: with outlierDetection the nearest endpoints come first',
    ],
    [
      'a field that its TLS mode does not ask',
      { tls: { mode: 'ISTIO_MUTUAL', caCertificates: '/ca.pem' } },
      'spec.trafficPolicy.tls.caCertificates: is not for mode ISTIO_MUTUAL',
    ],
    [
      'mutual TLS without a certificate',
      { tls: { mode: 'MUTUAL' } },
      'spec.trafficPolicy.tls.clientCertificate: must be given for mode MUTUAL, or credentialName; spec.trafficPolicy.tls.privateKey: must be given for mode MUTUAL, or credentialName',
    ],
    [
      'an authority that nobody asks',
      { tls: { mode: 'SIMPLE', caCertificates: '/ca.pem', insecureSkipVerify: true } },
      'spec.trafficPolicy.tls.caCertificates: cannot be beside insecureSkipVerify, with which nothing is checked',
    ],
    [
      'a Secret beside files',
      { tls: { mode: 'SIMPLE', credentialName: 'ca', caCertificates: '/ca.pem' } },
      'spec.trafficPolicy.tls.caCertificates: cannot be beside credentialName: the Secret holds it',
    ],
    [
      'a Secret of an authority that nobody asks',
      { tls: { mode: 'SIMPLE', credentialName: 'ca', insecureSkipVerify: true } },
      'spec.trafficPolicy.tls.credentialName: cannot be beside insecureSkipVerify, with which nothing is checked',
    ],
    [
      'a Secret for the mesh',
      { tls: { mode: 'ISTIO_MUTUAL', credentialName: 'own' } },
      'spec.trafficPolicy.tls.credentialName: is not for mode ISTIO_MUTUAL',
    ],
    [
      'what is not known of a pool',
      { connectionPool: { http: { useClientProtocol: true } } },
      'spec.trafficPolicy.connectionPool.http.useClientProtocol: this mesh does not support the field: say what the Service speaks by the name of its port, or write h2UpgradePolicy: UPGRADE',
    ],
    [
      'two hash keys',
      { loadBalancer: { consistentHash: { useSourceIp: true, httpHeaderName: 'x' } } },
      'spec.trafficPolicy.loadBalancer.consistentHash: must have one of httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName',
    ],
    [
      'a table that Envoy refuses',
      { loadBalancer: { consistentHash: { useSourceIp: true, maglev: { tableSize: 65_536 } } } },
      'spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize: must be a prime number',
    ],
    [
      'a warm-up of random endpoints',
      { loadBalancer: { simple: 'RANDOM', warmup: { duration: '10s' } } },
      'spec.trafficPolicy.loadBalancer: a warm-up is for LEAST_REQUEST and ROUND_ROBIN',
    ],
    [
      'a count of failures to connect that are not counted apart',
      { outlierDetection: { consecutiveLocalOriginFailures: 3 } },
      'spec.trafficPolicy.outlierDetection.consecutiveLocalOriginFailures: counts only with splitExternalLocalOriginErrors: true',
    ],
    [
      'an interval of nothing',
      { outlierDetection: { interval: '0s' } },
      'spec.trafficPolicy.outlierDetection.interval: must be longer than 0s',
    ],
  ]
  test.each(refused)('%s is refused', (_, trafficPolicy, message) => {
    const { findings } = translate({
      ...shop,
      destinationRules: [destinationRuleOf('web', { host: 'web', trafficPolicy })],
    })
    expect(findings).toEqual([
      { object: { kind: 'DestinationRule', namespace: 'shop', name: 'web' }, reason: 'Invalid', message },
    ])
  })
})

describe('which VirtualService routes a host', () => {
  const toCanary = { http: [{ route: [{ destination: { host: 'web-canary' } }] }] }
  const older = { creationTimestamp: '2029-01-01T00:00:00Z' }

  test('the oldest wins, and the younger is told', () => {
    const mesh = translate(
      withRoutes(
        virtualServiceOf('web', toCanary),
        virtualServiceOf(
          'old',
          { hosts: ['web'], http: [{ route: [{ destination: { host: 'web-primary' } }] }] },
          { metadata: older },
        ),
      ),
    )
    expect(routesOf(mesh, webTable).map(({ origin: from }) => from?.name)).toEqual(['old'])
    expect(mesh.findings).toEqual([
      {
        object: origin('web'),
        reason: 'Conflict',
        message: `spec.hosts: ${host('web')} is routed by the older VirtualService shop/old; merge the two or delete one`,
      },
    ])
  })

  test('the host itself wins over a wildcard', () => {
    const mesh = translate(
      withRoutes(
        virtualServiceOf('wide', { hosts: ['*.shop.svc.cluster.local'], ...toCanary }, { metadata: older }),
        virtualServiceOf('web', toCanary),
      ),
    )
    expect(routesOf(mesh, webTable).map(({ origin: from }) => from?.name)).toEqual(['web'])
    expect(routesOf(mesh, `${host('web-primary')}:80`).map(({ origin: from }) => from?.name)).toEqual(['wide'])
  })

  test('one for a gateway only leaves the mesh alone, and the gateway serves it by its hosts', () => {
    const mesh = translate(
      withRoutes(virtualServiceOf('web', { hosts: ['shop.example'], gateways: ['public'], ...toCanary })),
    )
    expect(routesOf(mesh, webTable).map(({ origin: from }) => from)).toEqual([undefined])
    const gateway = proxyOf(mesh, 'gateway-0')
    expect(gateway.outbound).toEqual([
      {
        kind: 'http',
        bind: { address: '127.20.1.4', port: publishedPort(80) },
        routeTable: 'http.80',
        origins: [{ kind: 'Gateway', namespace: 'shop', name: 'public' }],
      },
    ])
    expect(gateway.routeTables.map(({ virtualHosts }) => virtualHosts.map(({ domains }) => domains))).toEqual([
      [[['shop.example']]].flat(),
    ])
  })

  test('hosts of a gateway are one in whatever letters', () => {
    const virtualServices = ['shop.example', 'Shop.example'].map((name) =>
      virtualServiceOf(name, { hosts: [name], gateways: ['public'], ...toCanary }),
    )
    const [table] = proxyOf(translate({ ...shop, virtualServices }), 'gateway-0').routeTables
    expect(table?.virtualHosts.map(({ domains, routes }) => [domains, routes.length])).toEqual([[['shop.example'], 2]])
  })

  test('a server of a gateway narrows the hosts and may want one namespace', () => {
    const served = (serverHost: string, hosts: readonly string[]) => {
      const gateways = [
        gatewayOf('public', {
          selector: { istio: 'ingressgateway' },
          servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: [serverHost] }],
        }),
      ]
      const virtualServices = [virtualServiceOf('web', { hosts, gateways: ['public'], ...toCanary })]
      const [table] = proxyOf(translate({ ...shop, gateways, virtualServices }), 'gateway-0').routeTables
      return table?.virtualHosts.map(({ name }) => name)
    }
    expect(served('*.example', ['a.example', 'b.test'])).toEqual(['a.example'])
    expect(served('a.example', ['*'])).toEqual(['a.example'])
    expect(served('./a.example', ['a.example'])).toEqual(['a.example'])
    expect(served('other/a.example', ['a.example'])).toEqual([])
  })
})

describe('what cannot be carried out is a finding', () => {
  const route = [{ destination: { host: 'web-primary' } }]
  const rows: readonly (readonly [string, object, string, string])[] = [
    [
      'an unsupported field',
      { http: [{ route, delegate: { name: 'other' } }] },
      'Invalid',
      'spec.http[0].delegate: this mesh does not support the field: write the rules of the other VirtualService here',
    ],
    [
      'a route for TCP without a destination',
      { tcp: [{ route: [] }] },
      'Invalid',
      'spec.tcp[0].route: must have a destination',
    ],
    [
      'a route for TCP whose weights are all zero',
      { tcp: [{ route: [...route, ...route].map((each) => ({ ...each, weight: 0 })) }] },
      'Invalid',
      'spec.tcp[0].route: the weights of several destinations must sum to more than 0',
    ],
    [
      'an address range that is none',
      { tcp: [{ match: [{ destinationSubnets: ['10.0.0.0/99'] }], route }] },
      'Invalid',
      'spec.tcp[0].match[0].destinationSubnets[0]: must be an address or a range (CIDR)',
    ],
    ['no route at all', { http: [] }, 'Invalid', 'spec: must have http or tcp'],
    [
      'an unsupported kind of route',
      { http: [{ route }], tls: [] },
      'Invalid',
      'spec.tls: this mesh does not support the field: connections are not routed by SNI; route the port as TCP in spec.tcp',
    ],
    [
      'a fault that this mesh does not know',
      { http: [{ route, fault: { abort: { http2Error: 'REFUSED_STREAM', httpStatus: 500 } } }] },
      'Invalid',
      'spec.http[0].fault.abort.http2Error: this mesh does not support the field: write httpStatus or grpcStatus',
    ],
    [
      'an abort with two answers',
      { http: [{ route, fault: { abort: { grpcStatus: 'UNAVAILABLE', httpStatus: 500 } } }] },
      'Invalid',
      'spec.http[0].fault.abort: must have one of httpStatus and grpcStatus',
    ],
    [
      'a condition of retries that Envoy would pass over',
      { http: [{ route, retries: { attempts: 1, retryOn: '5xx,gateway-errors,700' } }] },
      'Invalid',
      'spec.http[0].retries.retryOn: there is no condition gateway-errors, 700: write statuses from 100 to 599, or 5xx, gateway-error, reset, reset-before-request, connect-failure, envoy-ratelimited, retriable-4xx, refused-stream, retriable-status-codes, retriable-headers, http3-post-connect-failure, cancelled, deadline-exceeded, internal, resource-exhausted, unavailable',
    ],
    [
      'retries that are switched off and described',
      { http: [{ route, retries: { attempts: 0, perTryTimeout: '1s' } }] },
      'Invalid',
      'spec.http[0].retries.attempts: must be at least 1 where anything else is said: 0 switches retries off',
    ],
    [
      'a share of no mirror',
      { http: [{ route, mirrorPercentage: { value: 10 } }] },
      'Invalid',
      'spec.http[0].mirrorPercentage: is for mirror; in the list mirrors each has its own percentage',
    ],
    [
      'a rule that says nothing',
      { http: [{}] },
      'Invalid',
      'spec.http[0]: must have one of route, redirect and directResponse',
    ],
    [
      'a redirect beside a route',
      { http: [{ route, redirect: { uri: '/' } }] },
      'Invalid',
      'spec.http[0]: must have one of route, redirect and directResponse',
    ],
    [
      'retries of a redirect',
      { http: [{ redirect: { uri: '/' }, retries: { attempts: 1 } }] },
      'Invalid',
      'spec.http[0]: mirror, timeout, retries and rewrite are for requests that have a route',
    ],
    [
      'an edit of the Host header',
      { http: [{ route, headers: { request: { set: { Host: 'a' } } } }] },
      'Invalid',
      'spec.http[0].headers.request.set: must name headers; Host and those with a colon cannot be edited (rewrite.authority sets the host)',
    ],
    [
      'two rewrites of one path',
      { http: [{ route, rewrite: { uri: '/', uriRegexRewrite: { match: 'a', rewrite: 'b' } } }] },
      'Invalid',
      'spec.http[0].rewrite: cannot have uri and uriRegexRewrite',
    ],
    ['an empty fault', { http: [{ route, fault: {} }] }, 'Invalid', 'spec.http[0].fault: must have delay or abort'],
    [
      'a delay of nothing',
      { http: [{ route, fault: { delay: { fixedDelay: '0s' } } }] },
      'Invalid',
      'spec.http[0].fault.delay.fixedDelay: must be longer than 0s',
    ],
    [
      'no weight at all',
      {
        http: [
          {
            route: [
              { ...route[0], weight: 0 },
              { ...route[0], weight: 0 },
            ],
          },
        ],
      },
      'Invalid',
      'spec.http[0].route: the weights of several destinations must sum to more than 0',
    ],
    [
      'a bad duration',
      { http: [{ route, timeout: '10' }] },
      'Invalid',
      'spec.http[0].timeout: must be a duration such as "10s"',
    ],
    [
      'a bad expression',
      { http: [{ route, match: [{ uri: { regex: '(' } }] }] },
      'Invalid',
      'spec.http[0].match[0].uri.regex: must be an RE2 expression: missing closing ): `(`',
    ],
    [
      'two kinds of match at once',
      { http: [{ route, match: [{ uri: { exact: 'a', prefix: 'b' } }] }] },
      'Invalid',
      'spec.http[0].match[0].uri: must have one of exact, prefix and regex; spec.http[0].match[0].uri: must have exact, prefix or regex',
    ],
    [
      'a Service that is not there',
      { http: [{ route: [{ destination: { host: 'gone' } }] }] },
      'DestinationNotFound',
      'spec.http[0]: there is no Service gone.shop.svc.cluster.local',
    ],
    [
      'a port that is not there',
      { http: [{ route: [{ destination: { host: 'web', port: { number: 81 } } }] }] },
      'DestinationNotFound',
      'spec.http[0]: Service web.shop.svc.cluster.local has no port 81 (it has 80)',
    ],
    [
      'a subset that is not there',
      { http: [{ route: [{ destination: { host: 'web', subset: 'v9' } }] }] },
      'DestinationNotFound',
      'spec.http[0]: no DestinationRule gives web.shop.svc.cluster.local a subset "v9"',
    ],
  ]
  test.each(rows)('%s', (_, spec, reason, message) => {
    expect(translate(withRoutes(virtualServiceOf('web', spec))).findings).toEqual([
      { object: origin('web'), reason, message },
    ])
  })

  test('a missing destination gets its share of 503, not somebody else', () => {
    const http = [{ route: splitBetween('web-primary', 'gone', 40) }]
    expect(routesOf(translate(withRoutes(virtualServiceOf('web', { http }))), webTable)[0]?.clusters).toEqual([
      { cluster: cluster('web-primary'), weight: 60 },
      { cluster: undefined, weight: 40 },
    ])
  })

  test.each([
    ['HTTPS without a mode', 'HTTPS', undefined, 'tls.mode: must be given for protocol HTTPS'],
    [
      'HTTPS without a Secret',
      'HTTPS',
      { mode: 'SIMPLE' },
      'tls.credentialName: must name a Secret in the namespace of the gateway',
    ],
    [
      'what the handshake alone would lead',
      'HTTPS',
      { mode: 'PASSTHROUGH', credentialName: 'cert' },
      'tls.mode: must be one of SIMPLE, MUTUAL, OPTIONAL_MUTUAL: this mesh does not support PASSTHROUGH',
    ],
    ['TLS on a port of HTTP', 'HTTP', { mode: 'SIMPLE', credentialName: 'cert' }, 'tls.mode: is for protocol HTTPS'],
    [
      'a redirect of HTTPS',
      'HTTPS',
      { mode: 'SIMPLE', credentialName: 'cert', httpsRedirect: true },
      'tls.httpsRedirect: is for protocol HTTP',
    ],
    [
      'settings of TLS that nobody would follow',
      'HTTP',
      { credentialName: 'cert', httpsRedirect: true },
      'tls.mode: must be given beside other settings of TLS',
    ],
    [
      'a certificate in a file',
      'HTTPS',
      { mode: 'SIMPLE', credentialName: 'cert', serverCertificate: '/cert.pem' },
      'tls.serverCertificate: this mesh does not read files: name a Secret in credentialName',
    ],
    [
      'versions that exclude each other',
      'HTTPS',
      { mode: 'SIMPLE', credentialName: 'cert', maxProtocolVersion: 'TLSV1_1' },
      'tls.maxProtocolVersion: must not be below minProtocolVersion (TLSV1_2 where that is not given)',
    ],
    [
      'a cipher suite that Envoy does not know',
      'HTTPS',
      { mode: 'SIMPLE', credentialName: 'cert', cipherSuites: ['NULL-MD5'] },
      'tls.cipherSuites[0]: must be a cipher suite of TLS 1.2 that Envoy knows',
    ],
  ])('of a gateway: %s', (_, protocol, tls, message) => {
    const server = { port: { number: 443, name: 'https', protocol }, hosts: ['*'], ...(tls ? { tls } : {}) }
    const { findings } = translate({ ...shop, gateways: [gatewayOf('public', { servers: [server] })] })
    expect(findings.map((finding) => [finding.reason, finding.message])).toEqual([
      ['Invalid', `spec.servers[0].${message}`],
    ])
  })
})

describe('proxies', () => {
  test('a sidecar listens for its application, for each Service and for HTTP_PROXY', () => {
    const primary = proxyOf(translate(shop), 'web-primary-0')
    expect(primary).toMatchObject({
      id: 'sidecar~127.20.1.2~web-primary-0.shop~shop.svc.cluster.local',
      role: 'sidecar',
      workload: { workload: 'web-primary', namespace: 'shop', app: 'web-primary', serviceAccount: 'default' },
      inbound: [
        {
          bind: { address: '127.20.1.2', port: 8080 },
          application: { address: '127.20.64.2', port: 8080 },
          protocol: 'http',
          service: { name: 'web', namespace: 'shop', host: host('web') },
        },
      ],
    })
    expect(proxyOf(translate(shop), 'client-0').outbound.map(({ bind }) => `${bind.address}:${bind.port}`)).toEqual([
      `127.20.160.1:${publishedPort(80)}`,
      `127.20.160.3:${publishedPort(80)}`,
      `127.20.160.2:${publishedPort(80)}`,
      '127.20.1.1:15080',
    ])
  })

  test('proxies for which a table reads the same share it', () => {
    const mesh = translate(shop)
    const table = (name: string) => proxyOf(mesh, name).routeTables.find((each) => each.name === 'http_proxy')
    expect(table('client-0')).toBe(table('web-primary-0'))
  })

  const rows: readonly (readonly [
    string,
    boolean,
    Readonly<Record<string, string>>,
    Readonly<Record<string, string>>,
  ])[] = [
    ['a pod that asks', true, {}, { 'sidecar.istio.io/inject': 'true' }],
    ['a pod of an enabled namespace', true, { 'istio-injection': 'enabled' }, {}],
    ['a pod that declines', false, { 'istio-injection': 'enabled' }, { 'sidecar.istio.io/inject': 'false' }],
    ['any other pod', false, {}, {}],
  ]
  test.each(rows)('%s is meshed: %s', (_, isMeshed, namespaceLabels, labels) => {
    const pod = meshPodOf('lone', { ip: '127.20.1.9', isMeshed: false, labels })
    const mesh = translate({ ...shop, namespaces: [namespaceOf('shop', namespaceLabels)], pods: [pod] })
    expect(mesh.proxies.length).toBe(isMeshed ? 1 : 0)
  })

  test('pods say where they run by a label', () => {
    const labels = { 'istio-locality': 'north.n1' }
    const pod = meshPodOf('near-0', { ip: '127.20.1.9', labels })
    const mesh = translate({ ...shop, pods: [pod], endpointSlices: [sliceOf('web', [pod])] })
    const locality = { region: 'north', zone: 'n1', subZone: '' }
    expect(mesh.proxies).toMatchObject([{ address: '127.20.1.9', locality }])
    expect(mesh.clusters.flatMap(({ endpoints }) => endpoints)).toMatchObject([{ address: '127.20.1.9', locality }])
  })

  test('endpoints that are not ready, or belong to a pod that ended, get nothing', () => {
    const [client, primary] = shop.pods
    if (!client || !primary) throw new Error('the shop lacks pods')
    const ready = sliceOf('web', [primary])
    const slice = {
      ...ready,
      endpoints: (ready.endpoints ?? []).map((each) => ({ ...each, conditions: { ready: false } })),
    }
    const ended = { ...client, status: { ...client.status, phase: 'Succeeded' as const } }
    const mesh = translate({ ...shop, pods: [ended, primary], endpointSlices: [slice] })
    expect(mesh.clusters.flatMap(({ endpoints }) => endpoints)).toEqual([])
    expect(mesh.proxies.map(({ address }) => address)).toEqual(['127.20.1.2'])
    // As the API server writes an empty list.
    const none = translate({ ...shop, endpointSlices: [{ ...ready, endpoints: null }] })
    expect(none.clusters.flatMap(({ endpoints }) => endpoints)).toEqual([])
  })

  test('what a port speaks is in its name or its appProtocol', () => {
    const port = (number: number, name: string, appProtocol?: string) => ({
      port: number,
      name,
      ...(appProtocol ? { appProtocol } : {}),
    })
    const ports = [
      port(1, 'http-web'),
      port(2, 'grpc'),
      port(3, 'tcp-db'),
      port(4, 'odd'),
      port(5, 'x', 'kubernetes.io/h2c'),
      port(25, 'odd'),
      port(3306, 'http-admin'),
      port(27017, 'grpc-db'),
    ]
    const mesh = translate({ ...shop, services: [serviceOf('many', { ports })] })
    expect(mesh.clusters.map(({ protocol }) => protocol)).toEqual([
      ...['http', 'http2', 'tcp', 'http', 'http2'],
      ...['tcp', 'http', 'http2'],
    ])
  })
})
