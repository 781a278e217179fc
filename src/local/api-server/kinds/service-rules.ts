import { createHash } from 'node:crypto'
import { arrayAt, isObject, type JsonObject, numberAt, objectAt, own, stringAt } from '../json.ts'
import { nameOf, namespaceOf, strings } from '../metadata.ts'
import { type Cause, invalidValue, required, unsupportedValue } from '../status-error.ts'
import { fill, mapAt, mapItems } from './fill.ts'
import { isPort, portRange } from './pod-validation.ts'
import type { KindContext, KindRules } from './resource.ts'

const FIRST = 128
const OCTETS = 32
const HOSTS = OCTETS * 254
const NODE_PORTS = { first: 30000, count: 2768 }
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']

/** Services get addresses of PREFIX.128-159.x, the first choice by their name so that it rarely changes. */
export function createServiceRules(prefix: string): KindRules {
  return {
    fillDefaults: (service) => mapAt(service, ['spec'], fillDefaults),
    complete: (service, context) => mapAt(service, ['spec'], (spec) => allocate(spec, { service, context, prefix })),
    validate: (service, context) => validate(service, context, prefix),
  }
}

interface Making {
  readonly service: JsonObject
  readonly context: KindContext
  readonly prefix: string
}

function fillDefaults(spec: JsonObject): JsonObject {
  const type = stringAt(spec, 'type') ?? 'ClusterIP'
  const filled = mapItems(fill(spec, { type, sessionAffinity: 'None' }), 'ports', (port) =>
    fill(port, { protocol: 'TCP', targetPort: own(port, 'port') }),
  )
  return type === 'ExternalName' ? filled : fill(filled, { internalTrafficPolicy: 'Cluster', ...external(type) })
}

function allocate(spec: JsonObject, making: Making): JsonObject {
  const type = stringAt(spec, 'type') ?? 'ClusterIP'
  if (type === 'ExternalName') return spec
  const address = stringAt(spec, 'clusterIP') || keptAddress(making) || freeAddress(making)
  return fill(
    { ...nodePorts(type, spec, making), clusterIP: address, clusterIPs: [address] },
    { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
  )
}

const external = (type: string): JsonObject => {
  if (type === 'LoadBalancer') return { externalTrafficPolicy: 'Cluster', allocateLoadBalancerNodePorts: true }
  return type === 'NodePort' ? { externalTrafficPolicy: 'Cluster' } : {}
}

const keptAddress = (making: Making): string | undefined => stringAt(making.context.previous, 'spec', 'clusterIP')

function freeAddress({ service, context, prefix }: Making): string {
  const used = new Set(context.siblings().flatMap((other) => strings(objectAt(other, 'spec')?.clusterIPs)))
  const start = hashOf(`${namespaceOf(service)}/${nameOf(service)}`) % HOSTS
  for (let step = 0; step < HOSTS; step += 1) {
    const index = (start + step) % HOSTS
    const address = `${prefix}.${FIRST + Math.floor(index / 254)}.${(index % 254) + 1}`
    if (!used.has(address)) return address
  }
  throw new Error('every Service address of this instance is taken: delete Services')
}

const hashOf = (text: string): number => createHash('sha256').update(text).digest().readUInt32BE(0)

function nodePorts(type: string, spec: JsonObject, making: Making): JsonObject {
  if (type !== 'NodePort' && type !== 'LoadBalancer') return spec
  const taken = new Set(
    making.context
      .siblings()
      .flatMap((other) => arrayAt(other, 'spec', 'ports').map((port) => numberAt(port, 'nodePort'))),
  )
  let next = NODE_PORTS.first
  return mapItems(spec, 'ports', (port) => {
    if (own(port, 'nodePort') !== undefined) return port
    while (taken.has(next) && next < NODE_PORTS.first + NODE_PORTS.count) next += 1
    taken.add(next)
    return { ...port, nodePort: next }
  })
}

function validate(service: JsonObject, context: KindContext, prefix: string): readonly Cause[] {
  const spec = objectAt(service, 'spec') ?? {}
  const type = stringAt(spec, 'type') ?? ''
  const ports = arrayAt(spec, 'ports').filter(isObject)
  const isHeadless = stringAt(spec, 'clusterIP') === 'None'
  return [
    ...(types.includes(type) ? [] : [unsupportedValue('spec.type', type, types)]),
    ...(ports.length === 0 && type !== 'ExternalName' && !isHeadless ? [required('spec.ports')] : []),
    ...ports.flatMap((port, index) => validatePort(port, `spec.ports[${index}]`, ports.length)),
    ...validateAddress(spec, context, prefix),
    ...(type === 'ExternalName' && !stringAt(spec, 'externalName') ? [required('spec.externalName')] : []),
  ]
}

function validatePort(port: JsonObject, path: string, count: number): readonly Cause[] {
  const number = numberAt(port, 'port')
  const target = own(port, 'targetPort')
  const protocols = ['SCTP', 'TCP', 'UDP']
  const protocol = stringAt(port, 'protocol') ?? ''
  return [
    ...(number === undefined || !isPort(number) ? [invalidValue(`${path}.port`, number ?? 0, portRange)] : []),
    ...(typeof target === 'number' && !isPort(target) ? [invalidValue(`${path}.targetPort`, target, portRange)] : []),
    ...(count > 1 && !stringAt(port, 'name') ? [required(`${path}.name`)] : []),
    ...(protocols.includes(protocol) ? [] : [unsupportedValue(`${path}.protocol`, protocol, protocols)]),
  ]
}

function validateAddress(spec: JsonObject, context: KindContext, prefix: string): readonly Cause[] {
  const address = stringAt(spec, 'clusterIP') ?? 'None'
  const before = stringAt(context.previous, 'spec', 'clusterIP')
  const field = 'spec.clusterIPs[0]'
  if (before !== undefined && before !== address && stringAt(spec, 'type') !== 'ExternalName') {
    return [invalidValue(field, [address], 'may not change once set')]
  }
  if (address === 'None' || address === before) return []
  const [, , third] = address.split('.').map(Number)
  const isOurs = address.startsWith(`${prefix}.`) && third !== undefined && third >= FIRST && third < FIRST + OCTETS
  if (!isOurs) {
    const range = `${prefix}.${FIRST}.0/19`
    return [
      invalidValue(
        field,
        [address],
        `failed to allocate IP ${address}: the provided IP is not in the valid range. The range of valid IPs is ${range}`,
      ),
    ]
  }
  const used = context.siblings().some((other) => stringAt(other, 'spec', 'clusterIP') === address)
  return used
    ? [invalidValue(field, [address], `failed to allocate IP ${address}: provided IP is already allocated`)]
    : []
}
