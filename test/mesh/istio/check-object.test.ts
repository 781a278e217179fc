import { expect, test } from 'vitest'
import { checkObject } from '../../../src/mesh/istio/check-object.ts'
import { renderPath } from '../../../src/mesh/istio/index.ts'

const group = { security: 'security.istio.io/v1', networking: 'networking.istio.io/v1' }
const objectOf = (apiVersion: string, kind: string, spec: unknown) => ({
  ...{ apiVersion, kind, metadata: { name: 'any' } },
  spec,
})
const routed = (rest: object) =>
  objectOf(group.networking, 'VirtualService', {
    hosts: ['web'],
    http: [{ route: [{ destination: { host: 'web' } }], ...rest }],
  })
const policy = (trafficPolicy: object) => objectOf(group.networking, 'DestinationRule', { host: 'web', trafficPolicy })

const rows: readonly (readonly [string, object, string])[] = [
  [
    'a field written in another way',
    policy({ connectionPool: { http: { max_retries: 5 } } }),
    'UnknownField spec.trafficPolicy.connectionPool.http.max_retries: there is no such field; did you mean maxRetries?',
  ],
  [
    'a misspelt field',
    routed({ timout: '3s' }),
    'UnknownField spec.http[0].timout: there is no such field; did you mean timeout?',
  ],
  [
    'a field one level too deep',
    routed({ route: [{ destination: { host: 'web' }, timeout: '3s' }] }),
    'UnknownField spec.http[0].route[0].timeout: there is no such field here; it belongs to spec.http[0].timeout',
  ],
  [
    'a field one level too high',
    policy({ connectionPool: { connectTimeout: '3s' } }),
    'UnknownField spec.trafficPolicy.connectionPool.connectTimeout: there is no such field here; it belongs to spec.trafficPolicy.connectionPool.tcp.connectTimeout',
  ],
  [
    'a field that is like none',
    policy({ tls: { mode: 'DISABLE', depth: 1 } }),
    'UnknownField spec.trafficPolicy.tls.depth: there is no such field; there are mode, clientCertificate, privateKey, caCertificates, subjectAltNames, sni, insecureSkipVerify, credentialName',
  ],
  [
    'a word in other letters',
    policy({ loadBalancer: { simple: 'round_robin' } }),
    'InvalidValue spec.trafficPolicy.loadBalancer.simple: must be one of UNSPECIFIED, LEAST_REQUEST, LEAST_CONN, ROUND_ROBIN, RANDOM, PASSTHROUGH; did you mean ROUND_ROBIN?',
  ],
  [
    'a number in quotes',
    routed({ retries: { attempts: '3' } }),
    'InvalidValue spec.http[0].retries.attempts: must be a number, not text: write 3 without quotes',
  ],
  [
    'text without quotes',
    objectOf(group.networking, 'DestinationRule', { host: 'web', subsets: [{ name: 'v1', labels: { version: 1 } }] }),
    'InvalidValue spec.subsets[0].labels.version: must be text, not a number: write "1" in quotes',
  ],
  [
    'a duration without a unit',
    routed({ timeout: 3 }),
    'InvalidValue spec.http[0].timeout: must be a duration in quotes such as "10s"',
  ],
  [
    'one value in place of a list',
    objectOf(group.security, 'AuthorizationPolicy', { rules: [{ to: [{ operation: { methods: 'GET' } }] }] }),
    'InvalidValue spec.rules[0].to[0].operation.methods: must be a list, not text: write ["GET"]',
  ],
  [
    'one object in place of a list',
    objectOf(group.security, 'AuthorizationPolicy', { rules: { to: [] } }),
    'InvalidValue spec.rules: must be a list, not an object: begin it with a dash',
  ],
  [
    'text in place of an object',
    routed({ match: [{ headers: { 'end-user': 'test' } }] }),
    'InvalidValue spec.http[0].match[0].headers.end-user: must be an object (exact, prefix, regex), not text',
  ],
  [
    'nothing in place of a list',
    routed({ match: null }),
    'InvalidValue spec.http[0].match: must be a list, not empty: leave the field out or fill it',
  ],
  [
    'a number that is too large',
    policy({ outlierDetection: { maxEjectionPercent: 500 } }),
    'InvalidValue spec.trafficPolicy.outlierDetection.maxEjectionPercent: must be at most 100',
  ],
  [
    'look-around',
    routed({ match: [{ uri: { regex: '(?!a)' } }] }),
    'InvalidRegex spec.http[0].match[0].uri.regex: must be an RE2 expression: invalid or unsupported Perl syntax: `(?!`; RE2 has no look-around and no back references',
  ],
  [
    'a match of claims',
    routed({ match: [{ headers: { '@request.auth.claims.group': { exact: 'a' } } }] }),
    'UnsupportedField spec.http[0].match[0].headers: routes by claims (@request.auth.claims) are not supported: copy the claim into a header by outputClaimToHeaders of the RequestAuthentication, and match that',
  ],
  [
    'a kind in the wrong group',
    objectOf(group.security, 'Sidecar', {}),
    'UnknownVersion apiVersion: must be one of networking.istio.io/v1, networking.istio.io/v1beta1, networking.istio.io/v1alpha3 for a Sidecar',
  ],
  [
    'a misspelt kind',
    objectOf(group.networking, 'VirtualServce', {}),
    'UnsupportedKind kind: this mesh carries out nothing of the kind VirtualServce: did you mean VirtualService?',
  ],
  [
    'a kind of long ago',
    objectOf('rbac.istio.io/v1alpha1', 'ServiceRole', {}),
    'UnsupportedKind kind: this mesh carries out nothing of the kind ServiceRole: write an AuthorizationPolicy',
  ],
  [
    'a kind of extensions',
    objectOf('networking.istio.io/v1alpha3', 'EnvoyFilter', {}),
    'UnsupportedKind kind: this mesh carries out nothing of the kind EnvoyFilter: say it by the other kinds; proxies take no settings that bypass them',
  ],
]

test.each(rows)('%s is answered with what to write', (_, object, expected) => {
  expect(checkObject(object).map(({ code, path, message }) => `${code} ${renderPath(path)}: ${message}`)).toEqual([
    expected,
  ])
})
