/** Specs that have, together, every field that a kind may have, each where it makes a difference. */
export interface Example {
  readonly spec: object
  /** Beside it: specs of other kinds. */
  readonly with?: Readonly<Record<string, readonly object[]>>
}

const edits = (value: string) => ({ set: { a: value }, add: { b: value }, remove: ['c'] })
const headers = (value: string) => ({ request: edits(value), response: edits(value) })
const many = (port: number) => ({ host: 'many', subset: 'v1', port: { number: port } })
const canary = [{ destination: { host: 'web-canary' } }]
const matchBy = (kind: string) => {
  const text = (value: string) => ({ [kind]: value })
  return {
    ...{ uri: text('/a'), scheme: text('http'), method: text('GET'), authority: text('web') },
    ...{ headers: { a: text('b') }, withoutHeaders: { c: text('d') }, queryParams: { e: text('f') } },
  }
}
/** Without its condition each takes everything. */
const idle = [
  ...[{ port: 9999 }, { sourceLabels: { app: 'nobody' } }, { sourceNamespace: 'nowhere' }, { gateways: ['none'] }],
]
const versions = { DestinationRule: [{ host: 'many', subsets: [{ name: 'v1', labels: { version: 'v1' } }] }] }

const virtualServices: readonly Example[] = [
  {
    spec: {
      ...{ hosts: ['web'], gateways: ['mesh', 'public'], exportTo: ['.'] },
      http: [
        {
          name: 'rule',
          match: [
            ...['exact', 'prefix', 'regex'].map(matchBy),
            { name: 'match', uri: { prefix: '/b' }, ignoreUriCase: true },
            ...idle,
          ],
          route: [
            { destination: many(81), weight: 3, headers: headers('1') },
            { ...canary[0], weight: 1 },
          ],
          ...{ mirror: many(81), mirrorPercentage: { value: 50 }, headers: headers('2'), timeout: '3s' },
          fault: {
            delay: { percentage: { value: 10 }, fixedDelay: '1s' },
            abort: { percentage: { value: 10 }, httpStatus: 500 },
          },
          rewrite: { uri: '/c', authority: 'other' },
          corsPolicy: {
            allowOrigins: [{ exact: 'a' }, { prefix: 'b' }, { regex: 'c' }],
            ...{ allowMethods: ['GET'], allowHeaders: ['a'], exposeHeaders: ['b'], maxAge: '1h' },
            ...{ allowCredentials: true, unmatchedPreflights: 'IGNORE' },
          },
          retries: {
            ...{ attempts: 5, perTryTimeout: '1s', retryOn: '5xx', backoff: '1s' },
            ...{ retryRemoteLocalities: true, retryIgnorePreviousHosts: false },
          },
        },
        {
          match: [{ uri: { exact: '/old' } }],
          redirect: { uri: '/new', authority: 'a.example', scheme: 'https', port: 8443, redirectCode: 302 },
        },
        { match: [{ uri: { exact: '/closed' } }], directResponse: { status: 503, body: { string: 'closed' } } },
        {
          match: [{ uri: { exact: '/calls' } }],
          ...{ route: canary, mirrors: [{ destination: many(81), percentage: { value: 5 } }] },
          ...{ fault: { abort: { percentage: { value: 10 }, grpcStatus: 'UNAVAILABLE' } } },
          rewrite: { uriRegexRewrite: { match: 'a', rewrite: 'b' } },
        },
        { route: canary },
      ],
    },
    with: versions,
  },
  {
    spec: {
      hosts: ['db'],
      tcp: [
        { match: [...idle, { destinationSubnets: ['10.9.0.0/16'] }], route: [{ destination: { host: 'gone' } }] },
        {
          route: [
            { destination: many(5432), weight: 3 },
            { destination: { host: 'db' }, weight: 1 },
          ],
        },
      ],
    },
    with: versions,
  },
]

const policy = (trafficPolicy: object, rest: object = {}): Example => ({
  spec: { host: 'many', trafficPolicy, ...rest },
})
const hash = (consistentHash: object) => policy({ loadBalancer: { consistentHash } })

const destinationRules: readonly Example[] = [
  policy(
    {
      connectionPool: {
        tcp: {
          ...{ maxConnections: 1, connectTimeout: '1s', idleTimeout: '2s', maxConnectionDuration: '3s' },
          tcpKeepalive: { probes: 3, time: '4s', interval: '5s' },
        },
        http: {
          ...{
            h2UpgradePolicy: 'UPGRADE',
            http1MaxPendingRequests: 2,
            http2MaxRequests: 3,
            maxRequestsPerConnection: 4,
          },
          ...{ maxRetries: 5, idleTimeout: '6s', maxConcurrentStreams: 7 },
          http2KeepAlive: { interval: '8s', timeout: '9s' },
        },
      },
      outlierDetection: {
        ...{ consecutive5xxErrors: 1, consecutiveGatewayErrors: 2, interval: '3s', baseEjectionTime: '4s' },
        ...{ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 6 },
        ...{ maxEjectionPercent: 50, minHealthPercent: 60 },
      },
      loadBalancer: { simple: 'ROUND_ROBIN', warmup: { duration: '1s', minimumPercent: 2, aggression: 3 } },
      tls: { mode: 'ISTIO_MUTUAL', sni: 'a.example', subjectAltNames: ['spiffe://a/b'] },
      portLevelSettings: [
        {
          ...{ port: { number: 81 }, loadBalancer: { simple: 'RANDOM' }, connectionPool: { http: { maxRetries: 1 } } },
          ...{ outlierDetection: { interval: '1s' }, tls: { mode: 'DISABLE' } },
        },
      ],
    },
    {
      exportTo: ['.'],
      subsets: [{ name: 'v1', labels: { version: 'v1' }, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } }],
    },
  ),
  hash({ httpHeaderName: 'a', minimumRingSize: 2_048 }),
  hash({
    httpCookie: { name: 'a', path: '/', ttl: '1s', attributes: [{ name: 'SameSite', value: 'Strict' }] },
    ringHash: { minimumRingSize: 2_048 },
  }),
  hash({ useSourceIp: true, maglev: { tableSize: 101 } }),
  hash({ httpQueryParameterName: 'a' }),
  policy({ loadBalancer: { warmupDurationSecs: '10s' } }),
  policy({ outlierDetection: { interval: '1s' }, loadBalancer: { localityLbSetting: { enabled: false } } }),
  policy({ tls: { mode: 'MUTUAL', clientCertificate: '/a', privateKey: '/b', caCertificates: '/c' } }),
  policy({ tls: { mode: 'SIMPLE', insecureSkipVerify: true } }),
  policy(
    { tls: { mode: 'SIMPLE', credentialName: 'secret' } },
    { workloadSelector: { matchLabels: { app: 'inner' } } },
  ),
]

const gateways: readonly Example[] = [
  {
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: [
        {
          ...{ name: 'plain', port: { number: 80, name: 'http', protocol: 'HTTP' } },
          ...{ hosts: ['*'], tls: { httpsRedirect: true } },
        },
        {
          ...{ port: { number: 443, name: 'https', protocol: 'HTTPS' }, hosts: ['web.example'] },
          tls: {
            ...{ mode: 'MUTUAL', credentialName: 'cert', subjectAltNames: ['a.example'] },
            ...{ minProtocolVersion: 'TLSV1_0', maxProtocolVersion: 'TLSV1_2' },
            cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'],
          },
        },
      ],
    },
  },
]

const sidecars: readonly Example[] = [
  {
    spec: {
      workloadSelector: { labels: { app: 'inner' } },
      ingress: [
        {
          ...{ port: { number: 8080, protocol: 'HTTP', name: 'http' }, bind: '0.0.0.0', captureMode: 'IPTABLES' },
          defaultEndpoint: '127.0.0.1:9090',
        },
      ],
      egress: [
        {
          ...{ port: { number: 80, protocol: 'HTTP', name: 'http' }, bind: '127.0.0.9', captureMode: 'NONE' },
          hosts: ['./web.shop.svc.cluster.local'],
        },
        { hosts: ['./*'] },
      ],
      outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    },
  },
]

const http = { number: 80, name: 'http', protocol: 'HTTP' }
const tls = { trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } }

const serviceEntries: readonly Example[] = [
  {
    spec: {
      ...{ hosts: ['far.example'], addresses: ['10.5.0.1'], resolution: 'STATIC', exportTo: ['.'] },
      ports: [
        { ...http, targetPort: 8080 },
        { number: 5432, name: 'db', protocol: 'TCP' },
      ],
      endpoints: [
        { address: '10.0.0.1', ports: { http: 8081 }, weight: 3, locality: 'a/b/c', serviceAccount: 'far' },
        { address: '10.0.0.2', labels: { version: 'v1' } },
      ],
    },
    with: {
      DestinationRule: [{ host: 'far.example', subsets: [{ name: 'v1', labels: { version: 'v1' } }], ...tls }],
    },
  },
  {
    spec: {
      ...{ hosts: ['near.example'], ports: [{ ...http, targetPort: 8080 }], resolution: 'STATIC' },
      ...{ location: 'MESH_INTERNAL', workloadSelector: { labels: { app: 'web-primary' } } },
    },
  },
]

const workloadEntries: readonly Example[] = [
  {
    spec: {
      ...{ address: '10.0.0.9', labels: { app: 'old' }, ports: { http: 8081 } },
      ...{ locality: 'a/b/c', weight: 3, serviceAccount: 'old' },
    },
    with: {
      ServiceEntry: [
        {
          ...{ hosts: ['old.example'], ports: [http], resolution: 'STATIC' },
          workloadSelector: { labels: { app: 'old' } },
        },
      ],
      DestinationRule: [{ host: 'old.example', ...tls }],
    },
  },
]

const selector = { matchLabels: { app: 'web-primary' } }

const authorizationPolicies: readonly Example[] = [
  {
    spec: {
      ...{ selector, action: 'DENY' },
      rules: [
        {
          from: [
            {
              source: {
                ...{
                  principals: ['a'],
                  notPrincipals: ['b'],
                  requestPrincipals: ['c/d'],
                  notRequestPrincipals: ['e/f'],
                },
                ...{ namespaces: ['g'], notNamespaces: ['h'], serviceAccounts: ['i'], notServiceAccounts: ['j'] },
                ...{ ipBlocks: ['10.0.0.1'], notIpBlocks: ['10.0.0.2'] },
                ...{ remoteIpBlocks: ['10.0.0.3'], notRemoteIpBlocks: ['10.0.0.4'] },
              },
            },
          ],
          to: [
            {
              operation: {
                ...{ hosts: ['a'], notHosts: ['b'], ports: ['1'], notPorts: ['2'] },
                ...{ methods: ['GET'], notMethods: ['PUT'], paths: ['/a'], notPaths: ['/b'] },
              },
            },
          ],
          when: [{ key: 'request.headers[a]', values: ['b'], notValues: ['c'] }],
        },
      ],
    },
  },
]

const jwks = '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"a"}]}'

const requestAuthentications: readonly Example[] = [
  {
    spec: {
      selector,
      jwtRules: [
        {
          ...{ issuer: 'https://a.example', audiences: ['b'], jwksUri: 'https://a.example/keys', timeout: '1s' },
          ...{ fromHeaders: [{ name: 'c', prefix: 'd' }], fromParams: ['e'], fromCookies: ['f'] },
          ...{ outputPayloadToHeader: 'g', forwardOriginalToken: true },
          outputClaimToHeaders: [{ header: 'h', claim: 'i' }],
        },
        { issuer: 'https://b.example', jwks },
      ],
    },
  },
]

const peerAuthentications: readonly Example[] = [
  { spec: { selector, mtls: { mode: 'STRICT' } } },
  { spec: { selector, portLevelMtls: { 8080: { mode: 'DISABLE' } } } },
]

const telemetries: readonly Example[] = [
  {
    spec: {
      selector,
      tracing: [
        {
          ...{ match: { mode: 'SERVER' }, randomSamplingPercentage: 5, useRequestIdForTraceSampling: false },
          customTags: {
            a: { literal: { value: 'b' } },
            c: { environment: { name: 'D', defaultValue: 'e' } },
            f: { header: { name: 'g', defaultValue: 'h' } },
          },
        },
      ],
      accessLogging: [
        { providers: [{ name: 'envoy' }], filter: { expression: 'response.code >= 400' } },
        { match: { mode: 'SERVER' }, disabled: true },
      ],
      metrics: [
        {
          providers: [{ name: 'prometheus' }],
          overrides: [
            { match: { metric: 'REQUEST_DURATION', mode: 'SERVER' }, disabled: true },
            {
              match: { metric: 'REQUEST_COUNT' },
              tagOverrides: { reporter: { operation: 'REMOVE' }, source_app: { value: "'a'" } },
            },
          ],
        },
      ],
    },
  },
  { spec: { tracing: [{ providers: [{ name: 'otlp' }] }] } },
  { spec: { tracing: [{ disableSpanReporting: true }] } },
]

export const fieldExamples: Readonly<Record<string, readonly Example[]>> = {
  ...{ VirtualService: virtualServices, DestinationRule: destinationRules, Gateway: gateways, Sidecar: sidecars },
  ...{ ServiceEntry: serviceEntries, WorkloadEntry: workloadEntries, PeerAuthentication: peerAuthentications },
  ...{ AuthorizationPolicy: authorizationPolicies, RequestAuthentication: requestAuthentications },
  Telemetry: telemetries,
}

/** Fields that are taken and say nothing that is not so without them, and why they are taken. */
export const sayingNothing: Readonly<Record<string, readonly string[]>> = {
  // For people.
  Gateway: ['servers[] name'],
  // Names are for people; a listener that others reach is where they reach the pod, and intercepted as the pod is.
  Sidecar: ['egress[].port name', 'ingress[].port name', 'ingress[] bind', 'ingress[] captureMode'],
  // There is one of each.
  Telemetry: ['metrics[] providers'],
}
