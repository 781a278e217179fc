import { expect, test } from 'vitest'
import { checkObject, renderPath } from '../../../src/mesh/istio/index.ts'

const objectOf = (group: string, kind: string, spec: unknown) => ({
  apiVersion: `${group}.istio.io/v1`,
  kind,
  metadata: { name: 'any' },
  spec,
})
const entry = (rest: object) =>
  objectOf('networking', 'ServiceEntry', {
    hosts: ['db.example'],
    ports: [{ number: 5432, name: 'db', protocol: 'TCP' }],
    resolution: 'DNS',
    ...rest,
  })
const web = { ports: [{ number: 80, name: 'http', protocol: 'HTTP' }] }
const machine = (address: string) => objectOf('networking', 'WorkloadEntry', { address })
const allowed = (source: object) => objectOf('security', 'AuthorizationPolicy', { rules: [{ from: [{ source }] }] })
const when = (key: string, value: string) =>
  objectOf('security', 'AuthorizationPolicy', { rules: [{ when: [{ key, values: [value] }] }] })
const port = { number: 5432, name: 'db', protocol: 'TCP' }
const sidecar = (bind: string) =>
  objectOf('networking', 'Sidecar', { egress: [{ bind, port, hosts: ['*/*'] }, { hosts: ['*/*'] }] })
const subnets = (range: string) =>
  objectOf('networking', 'VirtualService', {
    hosts: ['db.example'],
    tcp: [{ match: [{ destinationSubnets: [range] }], route: [{ destination: { host: 'db.example' } }] }],
  })

const range = 'must be an address or a range (CIDR)'
const address = 'must be an IP address'
const refused: readonly (readonly [object, string])[] = [
  [machine('300.1.1.1'), `spec.address: ${address}`],
  [machine('10.0.0'), `spec.address: ${address}`],
  [machine('10.0.0.1/32'), `spec.address: ${address}`],
  [machine('fd00:::1'), `spec.address: ${address}`],
  [entry({ addresses: ['300.1.1.1'] }), `spec.addresses[0]: ${range}`],
  [entry({ ...web, addresses: ['10.0.0.0/33'] }), `spec.addresses[0]: ${range}`],
  [entry({ ...web, addresses: ['fd00::/129'] }), `spec.addresses[0]: ${range}`],
  [
    entry({ addresses: ['10.0.0.0/8'] }),
    'spec.addresses: connections are told apart by single addresses: write those of the range that programs connect to',
  ],
  [
    entry({ endpoints: [{ address: '300.1.1.1' }] }),
    'spec.endpoints[0].address: must be an IP address or the name of a host',
  ],
  [
    entry({ resolution: 'STATIC', endpoints: [{ address: 'db.example' }] }),
    'spec.endpoints: the addresses of resolution STATIC must be IP addresses',
  ],
  [allowed({ ipBlocks: ['300.1.1.1'] }), `spec.rules[0].from[0].source.ipBlocks[0]: ${range}`],
  [allowed({ notRemoteIpBlocks: ['10.0.0.0/33'] }), `spec.rules[0].from[0].source.notRemoteIpBlocks[0]: ${range}`],
  [when('source.ip', '10.0.0.256'), `spec.rules[0].when[0].values[0]: ${range}`],
  [when('destination.ip', 'fd00::/200'), `spec.rules[0].when[0].values[0]: ${range}`],
  [sidecar('300.1.1.1'), `spec.egress[0].bind: ${address}`],
  [subnets('10.0.0.0/99'), `spec.tcp[0].match[0].destinationSubnets[0]: ${range}`],
]

test.each(refused)('%j is refused', (object, said) => {
  expect(checkObject(object).map(({ path, message }) => `${renderPath(path)}: ${message}`)).toEqual([said])
})

test.each([
  machine('10.0.0.1'),
  machine('fd00::1'),
  entry({ addresses: ['10.0.0.1', 'fd00::1'] }),
  entry({ ...web, addresses: ['10.0.0.0/8', 'fd00::/16'] }),
  entry({ endpoints: [{ address: 'eu.db.example' }] }),
  allowed({ ipBlocks: ['10.0.0.1', '10.0.0.0/8', 'fd00::/128'] }),
  sidecar('127.0.0.1'),
  subnets('10.0.0.0/32'),
])('%j is right', (object) => {
  expect(checkObject(object)).toEqual([])
})
