import { expect, test } from 'vitest'
import { injectedAnnotation } from '../../../src/api/index.ts'
import { isRecord, remember } from '../../../src/base/index.ts'
import {
  createMeshRenderer,
  type EnvoyResource,
  type Observability,
  telemetryDefaults,
} from '../../../src/mesh/envoy/index.ts'
import { checkedKinds, checkObject } from '../../../src/mesh/istio/check-object.ts'
import { type ClusterObjects, createTranslation } from '../../../src/mesh/istio/index.ts'
import { keySourcesOf } from '../../../src/mesh/istio/request-authentication.ts'
import { type Places, readSchema } from '../../support/field-tables.ts'
import { meshPodOf, namespaceOf, serviceOf, shopOf, sliceOf } from '../../support/mesh-objects.ts'
import { type Example, fieldExamples, sayingNothing } from './field-examples.ts'

const observability: Observability = {
  tracing: { collector: 'zipkin', address: { address: 'collector.example', port: 9411 }, samplePercent: 1 },
}
const translate = createTranslation(telemetryDefaults(observability))
const render = createMeshRenderer(observability)

const lists: Readonly<Record<string, keyof ClusterObjects>> = {
  ...{ VirtualService: 'virtualServices', DestinationRule: 'destinationRules', Gateway: 'gateways' },
  ...{ Sidecar: 'sidecars', ServiceEntry: 'serviceEntries', WorkloadEntry: 'workloadEntries' },
  ...{ PeerAuthentication: 'peerAuthentications', AuthorizationPolicy: 'authorizationPolicies' },
  ...{ RequestAuthentication: 'requestAuthentications', Telemetry: 'telemetries' },
}

const listOf = (kind: string): string => lists[kind] ?? kind

/** Beside the shop: pods with interception, of another namespace and of another gateway, and Services with several ports. */
function worldOf(): ClusterObjects {
  const shop = shopOf()
  const labels = { version: 'v1', 'istio-locality': 'a.b' }
  const inner = meshPodOf('inner-0', { workload: 'inner', ip: '10.1.0.1', labels })
  const injected = { ...inner, metadata: { ...inner.metadata, annotations: { [injectedAnnotation]: '{}' } } }
  const outer = meshPodOf('outer-0', { workload: 'outer', ip: '10.1.0.2', labels: { 'istio-locality': 'c.d' } })
  const stranger = { ...outer, metadata: { ...injected.metadata, name: 'outer-0', namespace: 'other' } }
  const edge = meshPodOf('edge-0', { workload: 'edge', ip: '127.20.1.9', isGateway: true })
  const ports = [
    ...[
      { name: 'http', port: 80 },
      { name: 'http-two', port: 81 },
    ],
    { name: 'tcp', port: 5432 },
  ]
  const at = (clusterIP: string, service: ReturnType<typeof serviceOf>) => ({
    ...service,
    spec: { ...service.spec, clusterIP },
  })
  return {
    ...shop,
    credentialOf: () => ({ isUsable: true }),
    keysOf: (source) => ({ jwks: source }),
    namespaces: [namespaceOf(), namespaceOf('other', { 'istio-injection': 'enabled' })],
    pods: [...shop.pods, injected, stranger, edge],
    services: [
      ...shop.services,
      at('10.96.0.1', serviceOf('many', { ports })),
      at('10.96.0.2', serviceOf('db', { ports: [{ name: 'tcp', port: 6000 }] })),
    ],
    endpointSlices: [...shop.endpointSlices, sliceOf('many', [injected, ...shop.pods.slice(0, 1)])],
  }
}

const world = worldOf()
const objectOf = (kind: string, spec: unknown, name = 'example') => ({
  apiVersion: `${checkedKinds.get(kind)?.group}/v1`,
  kind,
  metadata: { name, namespace: 'shop', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' },
  spec,
})

/** All that proxies get, and where keys are fetched. */
function outcomeOf(kind: string, spec: unknown, beside: Example['with'] = {}): string {
  const objects = [objectOf(kind, spec)]
  const others = Object.entries(beside).map(([other, specs]) => {
    return [listOf(other), specs.map((each, index) => objectOf(other, each, `beside-${index}`))] as const
  })
  const placed: Partial<ClusterObjects> = Object.fromEntries([...others, [listOf(kind), objects]])
  const given = { ...world, ...placed }
  const mesh = translate(given)
  expect(mesh.findings.filter(({ reason }) => reason === 'Invalid')).toEqual([])
  const resources = [...render(mesh)].flatMap(([id, groups]) => [id, ...groups.flat().map(textOf)])
  return [...resources, JSON.stringify(keySourcesOf(given.requestAuthentications))].join('\n')
}

const textOf = remember(
  ({ type, name, message }: EnvoyResource) => `${type} ${name} ${Buffer.from(message).toString('base64')}`,
)

interface Field {
  /** `http[].match[] uri` */
  readonly name: string
  /** The spec without it. */
  readonly without: unknown
}

/** Every field that the spec has. */
function fieldsOf(value: unknown, place: string, places: Places, put: (value: unknown) => unknown): readonly Field[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      fieldsOf(item, `${place}[]`, places, (changed) => put(value.with(index, changed))),
    )
  }
  if (!isRecord(value)) return []
  const isMap = places.has(`${place}{}`)
  if (!isMap && !places.has(place === '' ? 'spec' : place)) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const { [key]: _, ...without } = value
    const below = [place, key].filter((part) => part !== '').join('.')
    const fields = fieldsOf(inner, isMap ? `${place}{}` : below, places, (changed) => put({ ...value, [key]: changed }))
    return isMap ? fields : [{ name: `${place === '' ? 'spec' : place} ${key}`, without: put(without) }, ...fields]
  })
}

const isRefused = (kind: string, spec: unknown): boolean =>
  checkObject(objectOf(kind, spec)).some(({ severity }) => severity === 'error')

/** What a DestinationRule says of a subset or a port is what it says of all. */
const isRepeated = (place: string): boolean =>
  place.startsWith('subsets[].trafficPolicy') || /portLevelSettings\[\]\.(?!port)/.test(place)

/** Those of the fields that the example has whose absence is noticed. */
function effectiveIn(kind: string, { spec, with: beside }: Example, places: Places): readonly string[] {
  const outcome = outcomeOf(kind, spec, beside)
  const isNoticed = ({ without }: Field) => isRefused(kind, without) || outcomeOf(kind, without, beside) !== outcome
  return fieldsOf(spec, '', places, (changed) => changed)
    .filter(isNoticed)
    .map(({ name }) => name)
}

const fieldsTaken = (places: Places): readonly string[] =>
  [...places]
    .filter(([place]) => !place.endsWith(' =') && !isRepeated(place))
    .flatMap(([place, { carriedOut }]) => carriedOut.map((name) => `${place} ${name}`))

test.each([...checkedKinds])('without any field that a %s may have proxies get something else', (kind, { schema }) => {
  const places = readSchema(schema)
  const effective = new Set((fieldExamples[kind] ?? []).flatMap((example) => effectiveIn(kind, example, places)))
  const idle = fieldsTaken(places).filter((name) => !effective.has(name))
  expect(idle.sort()).toEqual([...(sayingNothing[kind] ?? [])].sort())
})
