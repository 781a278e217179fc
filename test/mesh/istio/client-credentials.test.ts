import { describe, expect, test } from 'vitest'
import type { DestinationRule } from '../../../src/api/index.ts'
import { type ClusterObjects, translate } from '../../../src/mesh/istio/index.ts'
import type { Mesh } from '../../../src/mesh/model/index.ts'
import { clusterOf, destinationRuleOf, meshPodOf, namespaceOf, serviceEntryOf } from '../../support/mesh-objects.ts'

const inNamespace = (namespace: string, pod: ReturnType<typeof meshPodOf>) => ({
  ...pod,
  metadata: { ...pod.metadata, namespace },
})

/** Clients of two kinds and a gateway, each in two namespaces, and a host outside of the mesh. */
const world = clusterOf({
  namespaces: [namespaceOf(), namespaceOf('other')],
  pods: ['shop', 'other'].flatMap((namespace, index) => [
    inNamespace(namespace, meshPodOf('client-0', { workload: 'client', ip: `127.20.1.${index}1`, appAddress: '::1' })),
    inNamespace(namespace, meshPodOf('job-0', { workload: 'job', ip: `127.20.1.${index}2`, appAddress: '::1' })),
    inNamespace(namespace, meshPodOf('gateway-0', { ip: `127.20.1.${index}3`, isGateway: true })),
  ]),
  serviceEntries: [
    serviceEntryOf('api', {
      hosts: ['api.example.com'],
      ports: [{ number: 443, name: 'http', protocol: 'HTTP' }],
      resolution: 'DNS',
    }),
  ],
  credentialOf: () => ({ isUsable: true }),
})

const rule = (spec: Partial<DestinationRule['spec']>, name = 'api') =>
  destinationRuleOf(name, {
    host: 'api.example.com',
    trafficPolicy: { tls: { mode: 'MUTUAL', credentialName: 'cert' } },
    ...spec,
  })
const forClients = { workloadSelector: { matchLabels: { app: 'client' } } }

/** How each proxy speaks to the host, and what it may know. */
const seenBy = (mesh: Mesh) =>
  Object.fromEntries(
    mesh.proxies.map(({ workload, clusters = mesh.clusters, credentials = [] }) => {
      const cluster = clusters.find(({ service }) => service.host === 'api.example.com')
      const uses = credentials.map(({ namespace, name, holds }) => `${namespace}/${name} ${holds}`)
      const { kind = 'plain' } = cluster?.tls ?? {}
      return [`${workload.workload}.${workload.namespace}`, [kind, cluster?.endpoints.length, ...uses]]
    }),
  )
const translated = (objects: Partial<ClusterObjects>) => translate({ ...world, ...objects })
const own = (namespace: string) => ['own', 1, `${namespace}/cert authority`, `${namespace}/cert certificate`]
const plain = ['plain', 1]

describe('a Secret of a DestinationRule', () => {
  test('is for gateways, each with that of its own namespace', () => {
    expect(seenBy(translated({ destinationRules: [rule({})] }))).toEqual({
      'client.shop': plain,
      'job.shop': plain,
      'gateway-0.shop': own('shop'),
      'client.other': plain,
      'job.other': plain,
      'gateway-0.other': own('other'),
    })
  })

  test('is for the workloads that the rule selects, in its namespace alone', () => {
    expect(seenBy(translated({ destinationRules: [rule(forClients)] }))).toEqual({
      'client.shop': own('shop'),
      'job.shop': plain,
      'gateway-0.shop': plain,
      'client.other': plain,
      'job.other': plain,
      'gateway-0.other': plain,
    })
  })

  test.each([
    ['SIMPLE asks for the authority', { mode: 'SIMPLE' }, ['shop/cert authority']],
    [
      'MUTUAL without a check asks for the certificate',
      { mode: 'MUTUAL', insecureSkipVerify: true },
      ['shop/cert certificate'],
    ],
  ])('%s', (_, tls, uses) => {
    const trafficPolicy = { tls: { credentialName: 'cert', ...tls } }
    const mesh = translated({ destinationRules: [rule({ ...forClients, trafficPolicy })] })
    expect(seenBy(mesh)['client.shop']).toEqual(['own', 1, ...uses])
  })

  test('that cannot be used leaves nobody to send to, and is told of the field', () => {
    const port = { port: { number: 443 }, tls: { mode: 'SIMPLE', credentialName: 'cert' } }
    const trafficPolicy = { tls: { mode: 'DISABLE' }, portLevelSettings: [port] }
    const mesh = translated({
      destinationRules: [rule({ ...forClients, trafficPolicy })],
      credentialOf: ({ namespace, name }) => ({ isUsable: false, problem: `there is no Secret ${namespace}/${name}` }),
    })
    expect(seenBy(mesh)['client.shop']).toEqual(['plain', 0, 'shop/cert authority'])
    expect(seenBy(mesh)['job.shop']).toEqual(plain)
    expect(mesh.findings).toEqual([
      {
        object: { kind: 'DestinationRule', namespace: 'shop', name: 'api' },
        reason: 'CredentialUnavailable',
        message:
          'spec.trafficPolicy.portLevelSettings[0].tls.credentialName: there is no Secret shop/cert; proxies of shop send nothing to api.example.com meanwhile',
      },
    ])
  })

  test('that is about to be no good is used, and told of', () => {
    const mesh = translated({
      destinationRules: [rule({ ...forClients, trafficPolicy: { tls: { mode: 'SIMPLE', credentialName: 'cert' } } })],
      credentialOf: () => ({ isUsable: true, problem: 'it has expired' }),
    })
    expect(seenBy(mesh)['client.shop']).toEqual(['own', 1, 'shop/cert authority'])
    expect(mesh.findings.map(({ message }) => message)).toEqual([
      'spec.trafficPolicy.tls.credentialName: it has expired',
    ])
  })
})

test('a rule that selects workloads comes before the one for all, which others keep', () => {
  const tlsOf = (mode: string) => ({ trafficPolicy: { tls: { mode } } })
  const mesh = translated({
    destinationRules: [rule(tlsOf('DISABLE'), 'all'), rule({ ...forClients, ...tlsOf('SIMPLE') }, 'clients')],
  })
  expect(Object.entries(seenBy(mesh)).map(([name, [kind]]) => [name, kind])).toEqual([
    ['client.shop', 'own'],
    ['job.shop', 'none'],
    ['gateway-0.shop', 'none'],
    // What the namespace of the host says of it counts elsewhere too.
    ['client.other', 'none'],
    ['job.other', 'none'],
    ['gateway-0.other', 'none'],
  ])
})
