import { describe, expect, test } from 'vitest'
import { analyze } from '../../../src/mesh/istio/index.ts'
import {
  destinationRuleOf,
  gatewayOf,
  serviceEntryOf,
  serviceOf,
  sidecarOf,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'

const web = serviceOf('web')
const checked = (check: string) =>
  serviceOf('web', { metadata: { annotations: { 'mesh.sluice.dev/health-check': check } } })
const to = (subset?: string, port?: number) => ({
  destination: { host: 'web', ...(subset ? { subset } : {}), ...(port ? { port: { number: port } } : {}) },
})
const routed = (http: readonly object[], rest: object = {}) => virtualServiceOf('web', { ...{ http }, ...rest })
const gateway = (hosts: readonly string[]) =>
  gatewayOf('public', { servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts }] })

const policy = (kind: string, spec: object | undefined) => ({
  apiVersion: 'security.istio.io/v1',
  kind,
  metadata: { name: 'policy', namespace: 'shop' },
  spec,
})

const database = (name: string, address: string) =>
  serviceEntryOf(name, {
    hosts: [`${name}.example`],
    ports: [{ number: 5432, name: 'tcp', protocol: 'TCP' }],
    resolution: 'DNS',
    addresses: [address],
  })
const conflict = 'warning PortConflict spec.ports.0'

const found = (...objects: readonly unknown[]) =>
  analyze(objects)
    .flat()
    // Tables name several objects alike.
    .filter(({ code }) => code !== 'DuplicateObject')
    .map(({ severity, code, path }) => `${severity} ${code} ${path.join('.')}`)

describe('analyze finds', () => {
  const rows: readonly (readonly [string, readonly unknown[], readonly string[]])[] = [
    ['nothing in what is right', [web, routed([{ route: [to()] }])], []],
    [
      'a field that the mesh does not support',
      [web, routed([{ route: [to()], delegate: {} }])],
      ['error UnsupportedField spec.http.0.delegate'],
    ],
    ['nothing in a Service with a health check', [checked('path: /healthz\ninterval: 1s')], []],
    [
      'a health check that cannot be followed',
      [checked('interval: 0s\nport: 80'), checked('[')],
      [
        'error InvalidValue metadata.annotations.mesh.sluice.dev/health-check',
        'error UnknownField metadata.annotations.mesh.sluice.dev/health-check',
        'error MissingField metadata.annotations.mesh.sluice.dev/health-check',
        'error MissingField metadata.annotations.mesh.sluice.dev/health-check',
      ],
    ],
    [
      'a field that is missing',
      [routed([{ route: [{ destination: {} }] }])],
      ['error MissingField spec.http.0.route.0.destination.host'],
    ],
    [
      'an expression that RE2 refuses',
      [web, routed([{ match: [{ uri: { regex: '(?=a)' } }], route: [to()] }])],
      ['error InvalidRegex spec.http.0.match.0.uri.regex'],
    ],
    [
      'policies that Istio refuses',
      [
        policy('PeerAuthentication', { portLevelMtls: { 80: { mode: 'STRICT' } } }),
        policy('AuthorizationPolicy', { action: 'CUSTOM', rules: [{ when: [{ key: 'source.name', values: ['a'] }] }] }),
        policy('AuthorizationPolicy', {
          rules: [{ from: [{ source: {} }], to: [{ operation: { ports: ['http'] } }] }],
        }),
        policy('AuthorizationPolicy', {
          rules: [{ from: [{ source: { ipBlocks: ['10.0.0.0/33'] } }] }],
          targetRefs: [],
        }),
        policy('RequestAuthentication', { jwtRules: [{ jwksUri: 'ftp://keys.example' }] }),
        { ...policy('PeerAuthentication', {}), apiVersion: 'security.istio.io/v2' },
        { ...policy('AuthorizationPolicy', undefined) },
        { ...policy('AuthorizationPolicy', { other: 1 }), apiVersion: 'policy.example/v1' },
      ],
      [
        'error InvalidValue spec.portLevelMtls',
        'error InvalidValue spec.action',
        'error UnsupportedField spec.rules.0.when.0.key',
        'error InvalidValue spec.rules.0.from.0.source',
        'error InvalidValue spec.rules.0.to.0.operation.ports.0',
        'error InvalidValue spec.rules.0.from.0.source.ipBlocks.0',
        'error UnsupportedField spec.targetRefs',
        'error MissingField spec.jwtRules.0.issuer',
        'error InvalidValue spec.jwtRules.0.jwksUri',
        'error UnknownVersion apiVersion',
        'warning IdlePolicy spec.mtls',
        'info DeniesEverything spec',
      ],
    ],
    [
      'conditions whose values are none of their key',
      [
        policy('AuthorizationPolicy', {
          rules: [
            { when: [{ key: 'source.ip', values: ['10.0.0.0/8', 'frontend'] }] },
            { when: [{ key: 'remote.ip', notValues: ['10.0.0'] }] },
            { when: [{ key: 'destination.ip', values: ['10.0.0.0/99'] }] },
            { when: [{ key: 'destination.port', values: ['http'] }] },
            { when: [{ key: 'source.serviceAccount', values: ['a/b/c'] }] },
          ],
        }),
      ],
      [
        'error InvalidValue spec.rules.0.when.0.values.1',
        'error InvalidValue spec.rules.1.when.0.notValues.0',
        'error InvalidValue spec.rules.2.when.0.values.0',
        'error InvalidValue spec.rules.3.when.0.values.0',
        'error InvalidValue spec.rules.4.when.0.values.0',
      ],
    ],
    [
      'weights that sum to zero',
      [
        web,
        routed([
          {
            route: [
              { ...to(), weight: 0 },
              { ...to(), weight: 0 },
            ],
          },
        ]),
      ],
      ['error ZeroWeights spec.http.0.route'],
    ],
    ['a bad duration', [web, routed([{ route: [to()], timeout: '10' }])], ['error InvalidValue spec.http.0.timeout']],
    [
      'a subset that no rule has',
      [
        web,
        destinationRuleOf('web', { host: 'web', subsets: [{ name: 'v1' }] }),
        routed([{ route: [to('v1')], mirror: to('v2').destination }]),
      ],
      ['error SubsetNotFound spec.http.0.mirror.subset'],
    ],
    [
      'a port that the Service lacks',
      [web, routed([{ route: [to(undefined, 81)] }])],
      ['error PortNotFound spec.http.0.route.0.destination.port.number'],
    ],
    [
      'a Service that is not in the files',
      [routed([{ route: [to()] }])],
      ['info HostNotFound spec.http.0.route.0.destination.host'],
    ],
    [
      'a Gateway that is not in the files',
      [web, routed([{ route: [to()] }], { gateways: ['public', 'mesh'] })],
      ['warning GatewayNotFound spec.gateways.0'],
    ],
    [
      'two objects for one host',
      [
        web,
        routed([{ route: [to()] }]),
        virtualServiceOf('again', { hosts: ['web.shop.svc.cluster.local'], http: [{ route: [to()] }] }),
      ],
      ['error HostConflict spec.hosts.0'],
    ],
    [
      'routes after one that takes everything',
      [web, routed([{ route: [to()] }, { route: [to()] }])],
      ['warning UnreachableRoute spec.http.1'],
    ],
    [
      'routes that a Gateway waits for',
      [web, gateway(['shop.example']), routed([{ route: [to()] }], { hosts: ['shop.example'] })],
      ['error NotBoundToGateway spec.gateways'],
    ],
    ['no such thing where the Gateway takes any host', [web, gateway(['*']), routed([{ route: [to()] }])], []],
    [
      'two Sidecars for one namespace',
      [sidecarOf('a', { egress: [{ hosts: ['./*'] }] }), sidecarOf('b', { egress: [{ hosts: ['./*'] }] })],
      ['error SidecarConflict spec'],
    ],
    [
      'routes of a host that nobody knows',
      [web, routed([{ route: [to()] }], { hosts: ['weeb'] }), routed([{ route: [to()] }], { hosts: ['far.example'] })],
      ['error HostNotFound spec.hosts.0', 'warning HostNotFound spec.hosts.0'],
    ],
    ['hosts of TCP with one address', [database('a', '10.0.0.7'), database('b', '10.0.0.7')], [conflict]],
    ['nothing in hosts of TCP with an address each', [database('a', '10.0.0.7'), database('b', '10.0.0.8')], []],
    [
      'nothing in hosts of TLS of one port',
      ['a', 'b'].map((name) => {
        const ports = [{ number: 443, name: 'tls', protocol: 'TLS' }]
        return serviceEntryOf(name, { hosts: [`${name}.example`], ports, resolution: 'NONE' })
      }),
      [],
    ],
    ['a host of TCP that is not intercepted', [database('a', 'fd00::7')], ['warning AddressesRequired spec.addresses']],
    [
      'an object without a version',
      [{ ...sidecarOf('a', {}), apiVersion: undefined }],
      ['error MissingField apiVersion'],
    ],
    [
      'a version that there is not',
      [{ ...sidecarOf('a', {}), apiVersion: 'networking.istio.io/v2' }],
      ['error UnknownVersion apiVersion'],
    ],
    ['an object without a name', [{ ...sidecarOf('a', {}), metadata: {} }], ['error MissingField metadata.name']],
    [
      'no fault in kinds of others',
      [{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'a' } }, 'text', null],
      ['info NotRead kind'],
    ],
  ]
  test.each(rows)('%s', (_, objects, expected) => expect(found(...objects)).toEqual(expected))
})
