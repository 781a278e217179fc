import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { injectedAnnotation, type VirtualService } from '../../../src/api/index.ts'
import { createSelfSignedAuthority, openAuthority } from '../../../src/mesh/ca/index.ts'
import {
  type EnvoyResource,
  renderBootstrap,
  renderCredential,
  renderIdentity,
  renderMesh,
  renderSystemRoots,
  renderTrust,
  resourceToJson,
  tableOfVirtualHost,
  telemetryDefaults,
} from '../../../src/mesh/envoy/index.ts'
import { type ClusterObjects, translate } from '../../../src/mesh/istio/index.ts'
import { cipherSuites } from '../../../src/mesh/istio/supported-gateway.ts'
import { nodeId } from '../../../src/mesh/model/index.ts'
import { acceptedExpressions } from '../../support/cel-expressions.ts'
import { temporaryDirectory } from '../../support/directory.ts'
import { envoyPath } from '../../support/envoy.ts'
import {
  destinationRuleOf,
  gatewayOf,
  serviceEntryOf,
  serviceOf,
  shopOf,
  splitBetween,
  telemetryOf,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'

const run = promisify(execFile)
let envoy = ''
let secrets: readonly unknown[] = []
beforeAll(async () => {
  envoy = await envoyPath()
  const authority = await openAuthority(await createSelfSignedAuthority(Date.now()), Date.now())
  if (!authority.ok) throw new Error(authority.error)
  const names = [{ type: 'url' as const, value: 'spiffe://cluster.local/ns/shop/sa/default' }]
  const leaf = await authority.value.issue({ names, now: Date.now(), lifetimeMs: 3600_000 })
  const credentials = [
    renderCredential('cert', { holds: 'certificate', ...leaf }),
    renderCredential('cert', { holds: 'authority', certificates: authority.value.root }),
  ]
  secrets = [
    renderIdentity(leaf),
    renderTrust(authority.value.root),
    renderSystemRoots(authority.value.root),
    ...credentials,
  ].map(resourceToJson)
})

const bootstrap = (address: string): string =>
  renderBootstrap({
    nodeId: nodeId({ role: 'sidecar', address, pod: 'client-0', namespace: 'shop' }),
    nodeCluster: 'client.shop',
    xds: { address: '127.0.0.1', port: 15_010, token: 'secret' },
    metrics: { address, port: 15_090 },
    adminSocketPath: '/tmp/admin.sock',
  })

type Json = { [key: string]: unknown }

/** One file with everything that the proxy would get, its route tables put into its listeners. */
function wholeConfiguration(resources: readonly EnvoyResource[]): Json {
  const of = (type: EnvoyResource['type']) =>
    resources.filter((resource) => resource.type === type).map((resource) => resourceToJson(resource) as Json)
  const hosts = Map.groupBy(of('virtualHost'), ({ name }) => tableOfVirtualHost(String(name)))
  const tables = new Map(
    of('routes').map(({ vhds, ...table }) => {
      const virtualHosts = hosts.get(String(table.name))?.map(({ '@type': _type, ...host }) => host)
      return [table.name, vhds === undefined ? table : { ...table, virtualHosts }]
    }),
  )
  const listeners = JSON.parse(JSON.stringify(of('listener')), (_, value) => {
    if (typeof value !== 'object' || value === null || !('rds' in value)) return value
    const { rds, ...manager } = value as { rds: { routeConfigName: string } }
    const { '@type': _type, ...routeConfig } = tables.get(rds.routeConfigName) ?? {}
    return { ...manager, routeConfig }
  })
  const assignments = new Map(of('endpoints').map((assignment) => [assignment.clusterName, assignment]))
  // Validation knows no stream: endpoints are put into their clusters as well.
  const clusters = of('cluster').map(({ edsClusterConfig, ...cluster }) => {
    if (edsClusterConfig === undefined) return cluster
    const { '@type': _type, ...loadAssignment } = assignments.get(cluster.name) ?? {}
    return { ...cluster, type: 'STATIC', loadAssignment }
  })
  const withoutType = ({ '@type': _, ...rest }: Json): Json => rest
  // Nor does it know secrets that a stream would bring: with one it crashes.
  const withoutStream = (whole: unknown): Json =>
    JSON.parse(JSON.stringify(whole), (key, value) => (key === 'sdsConfig' ? undefined : value))
  const file = JSON.parse(bootstrap('127.20.1.1')) as { staticResources: { listeners: Json[]; clusters: Json[] } }
  const { staticResources } = file
  return {
    ...file,
    staticResources: {
      listeners: [...staticResources.listeners, ...listeners.map(withoutType).map(withoutStream)],
      clusters: [...staticResources.clusters, ...clusters.map(withoutType).map(withoutStream)],
      secrets: secrets.map((secret) => withoutType(secret as Json)),
    },
  }
}

async function validate(configuration: string): Promise<string> {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'envoy.json')
  await writeFile(path, configuration)
  const { stdout, stderr } = await run(envoy, ['--mode', 'validate', '-c', path, '--disable-hot-restart', '-l', 'warn'])
  return `${stdout}${stderr}`
}

const db = serviceOf('db', { ports: [{ name: 'tcp-db', port: 5432 }], selector: { app: 'web-primary' } })

/** All that may be said of spans, metrics and access logs; one filter of all expressions that are taken. */
const telemetries = [
  telemetryOf('all', {
    tracing: [
      {
        useRequestIdForTraceSampling: false,
        customTags: {
          a: { literal: { value: 'b' } },
          c: { environment: { name: 'D', defaultValue: 'none' } },
          e: { header: { name: 'f' } },
        },
      },
    ],
    accessLogging: [
      { filter: { expression: acceptedExpressions.map((expression) => `(${expression})`).join(' || ') } },
    ],
    metrics: [
      {
        overrides: [
          {
            tagOverrides: {
              request_protocol: { operation: 'REMOVE' },
              reporter: { value: "'me'" },
              port: { value: 'string(destination.port)' },
              user: { value: "request.headers['end-user']" },
            },
          },
        ],
      },
    ],
  }),
]

const everyMatch: VirtualService['spec'] = {
  hosts: ['web'],
  gateways: ['mesh', 'public'],
  http: [
    {
      name: 'picky',
      match: [
        {
          uri: { regex: '/a/.*' },
          method: { exact: 'GET' },
          authority: { prefix: 'web' },
          headers: { 'X-Beta': { exact: 'yes' }, 'user-agent': { regex: '.*Mobile.*' }, 'x-any': {} },
          withoutHeaders: { 'x-not': { prefix: 'a' } },
          queryParams: { q: { exact: '1' }, r: { regex: 'a+' } },
        },
        { uri: { prefix: '/B' }, ignoreUriCase: true },
        { uri: { exact: '/c' } },
      ],
      route: splitBetween('web-primary', 'web-canary', 20),
      mirror: { host: 'web-canary' },
      mirrorPercentage: { value: 12.5 },
      timeout: '3s',
      ...{
        corsPolicy: {
          allowOrigins: [{ regex: 'https://.*' }, { prefix: 'http://a' }],
          allowMethods: ['GET'],
          allowHeaders: ['x-a'],
          exposeHeaders: ['x-b'],
          maxAge: '1h',
          allowCredentials: true,
          unmatchedPreflights: 'IGNORE',
        },
      },
      ...{
        headers: {
          request: { set: { 'x-a': '1' }, add: { 'x-b': '2' }, remove: ['x-c'] },
          response: { set: { 'x-a': '%RESPONSE_CODE%' }, add: { 'x-b': '2' }, remove: ['x-c'] },
        },
        rewrite: { uriRegexRewrite: { match: '/a/(.*)', rewrite: '/b/\\1' }, authority: 'other' },
      },
      ...{
        fault: {
          delay: { percentage: { value: 0.1 }, fixedDelay: '5s' },
          abort: { percentage: { value: 5 }, httpStatus: 500 },
        },
      },
      retries: {
        attempts: 3,
        perTryTimeout: '1s',
        retryOn: '5xx,retriable-4xx,503',
        ...{ retryRemoteLocalities: true, backoff: '250ms' },
      },
    },
    {
      match: [{ name: 'calls', uri: { prefix: '/shop.Web/' } }],
      route: splitBetween('web-primary', 'web-canary', 20),
      ...{ fault: { abort: { percentage: { value: 5 }, grpcStatus: 'UNAVAILABLE' } } },
      retries: { attempts: 1, ...{ retryIgnorePreviousHosts: false } },
    },
    {
      match: [{ uri: { exact: '/old' } }],
      ...{ redirect: { uri: '/new', authority: 'a.example', scheme: 'https', port: 8443 } },
    },
    { match: [{ uri: { exact: '/closed' } }], ...{ directResponse: { status: 503, body: { string: 'closed' } } } },
    { route: [{ destination: { host: 'web-primary', subset: 'v1' } }] },
  ],
}

describe('Envoy accepts', () => {
  test('the bootstrap', async () => {
    await expect(validate(bootstrap('127.20.1.1'))).resolves.not.toMatch(/error|deprecated/i)
  })

  const shop = shopOf()
  const injected = (pods: ClusterObjects['pods']): ClusterObjects['pods'] =>
    pods.map((pod) => {
      const annotations = { ...pod.metadata.annotations, [injectedAnnotation]: '{}' }
      return { ...pod, metadata: { ...pod.metadata, annotations } }
    })
  const worlds: readonly (readonly [string, ClusterObjects])[] = [
    ['Services without any VirtualService', shop],
    [
      'every match, a split, a mirror, a time limit, retries and a subset',
      {
        ...shop,
        virtualServices: [virtualServiceOf('web', everyMatch)],
        destinationRules: [destinationRuleOf('web', { host: 'web-primary', subsets: [{ name: 'v1', labels: {} }] })],
      },
    ],
    [
      'a pool with every limit and the ejection of endpoints',
      {
        ...shop,
        destinationRules: [
          destinationRuleOf('web', {
            host: 'web',
            trafficPolicy: {
              connectionPool: {
                tcp: { maxConnections: 100, connectTimeout: '2s' },
                http: {
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
                minHealthPercent: 10,
              },
            },
            subsets: [{ name: 'v1', labels: {} }],
          }),
        ],
      },
    ],
    [
      'every way to choose endpoints, keep-alive and an upgrade',
      {
        ...shop,
        destinationRules: [
          destinationRuleOf('web', {
            host: 'web',
            trafficPolicy: {
              connectionPool: {
                tcp: { tcpKeepalive: { probes: 3, time: '2h', interval: '75s' } },
                http: {
                  h2UpgradePolicy: 'UPGRADE',
                  maxConcurrentStreams: 50,
                  http2KeepAlive: { interval: '10s' },
                },
              },
              loadBalancer: { consistentHash: { httpHeaderName: 'x-user', minimumRingSize: 2_048 } },
              outlierDetection: { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 3 },
              portLevelSettings: [
                {
                  port: { number: 80 },
                  loadBalancer: {
                    consistentHash: {
                      httpCookie: {
                        name: 'user',
                        path: '/',
                        ttl: '0s',
                        attributes: [{ name: 'SameSite', value: 'Strict' }],
                      },
                    },
                  },
                },
              ],
            },
            subsets: [
              ...[
                { consistentHash: { useSourceIp: true, maglev: { tableSize: 65_537 } } },
                { consistentHash: { httpQueryParameterName: 'user' } },
                { simple: 'ROUND_ROBIN', warmup: { duration: '30s', aggression: 1.5, minimumPercent: 5 } },
                { warmupDurationSecs: '10s' },
              ].map((loadBalancer, index) => ({ name: `s${index}`, trafficPolicy: { loadBalancer } })),
            ].map((subset) => ({ ...subset, labels: {} })),
          }),
        ],
        virtualServices: [
          virtualServiceOf('web', {
            http: [
              {
                route: ['s0', 's1', 's2', 's3'].map((subset) => ({ destination: { host: 'web', subset }, weight: 1 })),
                mirrors: [
                  { destination: { host: 'web-canary' } },
                  { destination: { host: 'web' }, percentage: { value: 5 } },
                ],
              },
            ],
          }),
        ],
      },
    ],
    [
      'TLS to destinations, at every level',
      {
        ...shop,
        destinationRules: [
          destinationRuleOf('web', {
            host: 'web',
            trafficPolicy: {
              tls: { mode: 'ISTIO_MUTUAL', sni: 'a.example', subjectAltNames: ['spiffe://cluster.local/ns/a/sa/b'] },
              loadBalancer: { localityLbSetting: { enabled: false } },
            },
            subsets: [
              { mode: 'DISABLE' },
              { mode: 'SIMPLE' },
              { mode: 'SIMPLE', insecureSkipVerify: true },
              { mode: 'SIMPLE', sni: 'a.example', subjectAltNames: ['b.example'] },
            ].map((tls, index) => ({ name: `s${index}`, labels: {}, trafficPolicy: { tls } })),
          }),
        ],
      },
    ],
    [
      'HTTPS at a gateway, with every version and cipher suite, and clients that show certificates',
      {
        ...shop,
        credentialOf: () => ({ isUsable: true }),
        gateways: [
          gatewayOf('public', {
            selector: { istio: 'ingressgateway' },
            servers: [
              { mode: 'SIMPLE', minProtocolVersion: 'TLSV1_0', maxProtocolVersion: 'TLSV1_2', cipherSuites },
              { mode: 'MUTUAL', subjectAltNames: ['a.example', 'spiffe://a/b', '10.0.0.1', 'a@b.example'] },
              { mode: 'OPTIONAL_MUTUAL', minProtocolVersion: 'TLSV1_3' },
            ].map((tls, index) => ({
              port: { number: 443, name: `https-${index}`, protocol: 'HTTPS' },
              hosts: [index === 0 ? '*' : `*.host-${index}.example`],
              tls: { ...tls, credentialName: 'cert' },
            })),
          }),
        ],
      },
    ],
    [
      'hosts outside of the cluster',
      {
        ...shop,
        serviceEntries: ['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN'].map((resolution, index) =>
          serviceEntryOf(`entry-${index}`, {
            hosts: [resolution === 'NONE' ? '*.any.example' : `entry-${index}.example`],
            ports: [
              { number: 80, name: 'http', protocol: 'HTTP' },
              { number: 5432, name: 'db', protocol: 'TCP' },
            ],
            resolution,
            ...(resolution === 'STATIC' ? { endpoints: [{ address: '10.0.0.1', weight: 2 }] } : {}),
          }),
        ),
      },
    ],
    [
      'HTTP/2 and TCP ports',
      {
        ...shop,
        services: [
          ...shop.services,
          serviceOf('db', { ports: [{ name: 'tcp-db', port: 5432 }], selector: { app: 'web-primary' } }),
          serviceOf('api', { ports: [{ name: 'grpc', port: 9000 }], selector: { app: 'web-primary' } }),
        ],
      },
    ],
    [
      'pods whose connections are intercepted',
      {
        ...shop,
        pods: injected(shop.pods),
        serviceEntries: ['a', 'b'].map((name) =>
          serviceEntryOf(name, {
            hosts: [`${name}.example`],
            addresses: name === 'a' ? [] : ['10.0.0.7'],
            ports: [
              { number: 80, name: 'http', protocol: 'HTTP' },
              { number: 443, name: 'https', protocol: 'HTTPS' },
              { number: 9000, name: 'tcp', protocol: 'TCP' },
            ],
            resolution: 'NONE',
          }),
        ),
        services: [
          ...shop.services,
          {
            ...serviceOf('db', { ports: [{ name: 'tcp-db', port: 5432 }], selector: { app: 'web-primary' } }),
            spec: { clusterIP: '10.96.0.5', ports: [{ name: 'tcp-db', port: 5432 }], selector: { app: 'web-primary' } },
          },
        ],
        peerAuthentications: [
          {
            apiVersion: 'security.istio.io/v1',
            kind: 'PeerAuthentication',
            metadata: { name: 'web', namespace: 'shop' },
            spec: {
              selector: { matchLabels: { app: 'web-primary' } },
              mtls: { mode: 'STRICT' },
              portLevelMtls: { 8080: { mode: 'DISABLE' } },
            },
          },
        ],
      },
    ],
    [
      'routes to what does not exist',
      { ...shop, virtualServices: [virtualServiceOf('web', { http: [{ route: splitBetween('gone', 'web', 50) }] })] },
    ],
  ]
  test.each(worlds)('%s', async (_, objects) => {
    for (const [, resources] of renderMesh(translate(objects))) {
      expect(await validate(JSON.stringify(wholeConfiguration(resources)))).not.toMatch(/error|deprecated/i)
    }
  })

  test.each(['zipkin', 'otlp'] as const)('an access log and traces to %s', async (collector) => {
    const tracing = { collector, address: { address: 'collector.example', port: 9411 }, samplePercent: 1 }
    const observability = { accessLog: true, sizeMetrics: true, tracing }
    const mesh = translate({ ...shop, services: [...shop.services, db], telemetries }, telemetryDefaults(observability))
    for (const [, resources] of renderMesh(mesh, observability)) {
      expect(await validate(JSON.stringify(wholeConfiguration(resources)))).not.toMatch(/error|deprecated/i)
    }
  })
})
