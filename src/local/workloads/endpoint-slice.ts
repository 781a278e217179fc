import {
  type ContainerPort,
  type Endpoint,
  type EndpointSlice,
  type Pod,
  type Service,
  type ServicePort,
  serviceKind,
  serviceNameLabel,
} from '../../api/index.ts'
import { canonicalJson, findOrMake } from '../../base/index.ts'
import { controllerReference, isControlledBy } from './ownership.ts'
import { isFinished, isReady, isTerminating } from './pod-facts.ts'
import { nameOfValue } from './safe-name.ts'
import { matchesLabels } from './selector.ts'

const managedByLabel = 'endpointslice.kubernetes.io/managed-by'

export interface ServiceState {
  readonly service: Service
  /** The pods of its namespace. */
  readonly pods: readonly Pod[]
  /** The slices that carry the service's name. */
  readonly slices: readonly EndpointSlice[]
}

export type EndpointSliceAction =
  | { readonly kind: 'create' | 'replace'; readonly slice: EndpointSlice }
  | { readonly kind: 'delete'; readonly slice: EndpointSlice }

// Kubernetes' default size of a slice.
const SLICE_SIZE = 100

/** Makes the slices say which pods of a Service can be reached, and where. */
export function decideEndpointSlices(state: ServiceState): readonly EndpointSliceAction[] {
  const wanted = renderEndpointSlices(state)
  const owned = state.slices.filter((slice) => isControlledBy(slice, state.service))
  const surplus = owned.filter((slice) => !wanted.some(({ metadata }) => metadata.name === slice.metadata.name))
  return [
    ...wanted.flatMap((slice) => write(slice, owned)),
    ...surplus.map((slice) => ({ kind: 'delete' as const, slice })),
  ]
}

function write(slice: EndpointSlice, owned: readonly EndpointSlice[]): readonly EndpointSliceAction[] {
  const current = owned.find(({ metadata }) => metadata.name === slice.metadata.name)
  if (current === undefined) return [{ kind: 'create', slice }]
  if (contentOf(current) === contentOf(slice)) return []
  const { resourceVersion } = current.metadata
  const metadata = { ...slice.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) }
  return [{ kind: 'replace', slice: { ...slice, metadata } }]
}

const contentOf = ({ endpoints, ports, metadata }: EndpointSlice): string =>
  canonicalJson({ endpoints: endpoints ?? [], ports: ports ?? [], labels: metadata.labels })

/** One slice for each set of port numbers, since pods may give a named port different numbers. */
function renderEndpointSlices({ service, pods }: ServiceState): readonly EndpointSlice[] {
  const { selector } = service.spec
  if (selector === undefined || service.metadata.deletionTimestamp !== undefined) return []
  const groups = new Map<string, { ports: SlicePorts; pods: Pod[] }>()
  for (const pod of pods.filter((each) => matchesLabels(selector, each.metadata.labels) && isReachable(each))) {
    const ports = resolvePorts(service, pod)
    const key = canonicalJson(ports)
    findOrMake(groups, key, () => ({ ports, pods: [] })).pods.push(pod)
  }
  // A Service without pods has one empty slice: watchers see it come and go.
  if (groups.size === 0) return [renderSlice(service, [], [], 0)]
  return [...groups.values()].flatMap((group) =>
    chunks(byName(group.pods)).map((chunk, index) => renderSlice(service, group.ports, chunk, index)),
  )
}

type SlicePorts = NonNullable<EndpointSlice['ports']>

const isReachable = (pod: Pod): boolean => pod.status?.podIP !== undefined && !isFinished(pod)

const byName = (pods: readonly Pod[]): readonly Pod[] =>
  [...pods].sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))

const chunks = (pods: readonly Pod[]): readonly (readonly Pod[])[] =>
  Array.from({ length: Math.ceil(pods.length / SLICE_SIZE) }, (_, index) =>
    pods.slice(index * SLICE_SIZE, (index + 1) * SLICE_SIZE),
  )

function renderSlice(service: Service, ports: SlicePorts, pods: readonly Pod[], index: number): EndpointSlice {
  const { name, namespace, labels } = service.metadata
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${nameOfValue([ports, index], 5)}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: 'endpointslice-controller.k8s.io' },
      ownerReferences: [controllerReference(serviceKind, service)],
    },
    addressType: 'IPv4',
    endpoints: pods.map(renderEndpoint),
    ports,
  }
}

function renderEndpoint(pod: Pod): Endpoint {
  const { name, namespace, uid } = pod.metadata
  const serving = isReady(pod)
  const terminating = isTerminating(pod)
  return {
    addresses: pod.status?.podIP === undefined ? [] : [pod.status.podIP],
    conditions: { ready: serving && !terminating, serving, terminating },
    targetRef: {
      kind: 'Pod',
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    },
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
  }
}

/** Ports that the pod does not have by name are left out, as in Kubernetes. */
function resolvePorts(service: Service, pod: Pod): SlicePorts {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPortNumber(port, pod)
    return number === undefined ? [] : [renderPort(port, number)]
  })
}

const renderPort = (port: ServicePort, number: number): SlicePorts[number] => ({
  // An unnamed port has the empty name, as Kubernetes writes it.
  name: port.name ?? '',
  port: number,
  protocol: port.protocol ?? 'TCP',
  ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
})

/** The container port that a Service port leads to in this pod. */
export function targetPortNumber(port: ServicePort, pod: Pod): number | undefined {
  const target = port.targetPort ?? port.port
  if (typeof target === 'number') return target
  const byPortName = ({ name, protocol }: ContainerPort) =>
    name === target && (protocol ?? 'TCP') === (port.protocol ?? 'TCP')
  return pod.spec.containers.flatMap(({ ports }) => ports ?? []).find(byPortName)?.containerPort
}
