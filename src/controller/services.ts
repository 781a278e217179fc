import { apiVersionOf, type Canary, type Service, type ServicePort, serviceKind } from '../api/index.ts'
import { isSameJson } from '../base/index.ts'
import { adopt, isOwned, placeBeside, serviceNamesOf } from '../traffic/index.ts'
import { createMetadata, type MetadataPlan, mergeMetadata, planMetadata } from './service-metadata.ts'
import { mergePorts, planPorts } from './service-ports.ts'
import { readRecord, type ServiceRecord } from './service-record.ts'
import { primaryLabel, type SelectorLabel, selectorLabelOf } from './workload/selector-label.ts'
import type { Workload } from './workload/workload.ts'

export interface ServicePlan {
  readonly name: string
  readonly selects: SelectorLabel
  /** The first is that of the Canary. */
  readonly ports: readonly ServicePort[]
  readonly metadata: MetadataPlan
}

export interface ServicePlans {
  readonly apex: ServicePlan
  readonly backends: readonly ServicePlan[]
}

/**
 * Apex and primary select the primary's pods, canary those of the workload; each has the ports of its pods. Undefined
 * where nobody can tell them apart.
 */
export function planServices(canary: Canary, target: Workload, primary: Workload = target): ServicePlans | undefined {
  const label = selectorLabelOf(target)
  if (label === undefined) return undefined
  const names = serviceNamesOf(canary)
  const plan = (role: keyof typeof names, workload: Workload): ServicePlan => ({
    name: names[role],
    selects: role === 'canary' ? label : primaryLabel(label),
    ports: planPorts(canary, workload),
    metadata: planMetadata(canary.spec.service[role], label.key),
  })
  return { apex: plan('apex', primary), backends: [plan('primary', primary), plan('canary', target)] }
}

/** A Service as wanted; of one that exists, everything that was not asked for stays, and of a user's own more than that. */
export function renderService(canary: Canary, plan: ServicePlan, existing: Service | undefined): Service {
  const selector = { [plan.selects.key]: plan.selects.value }
  if (existing === undefined) return createService(canary, plan, selector)
  const adopted = adopt(existing, canary)
  if (!isOwned(adopted, canary)) {
    const ports = mergePorts(existing.spec.ports ?? [], plan.ports)
    return { ...existing, spec: { ...existing.spec, selector, ports } }
  }
  const record = recordOf(canary, plan)
  const metadata = mergeMetadata(canary, plan.metadata, adopted, record)
  return { ...adopted, metadata, spec: { ...mergeSpec(canary, plan, adopted), selector } }
}

export function isServiceAsWanted(canary: Canary, plan: ServicePlan, existing: Service | undefined): boolean {
  return existing !== undefined && isSameJson(contentOf(renderService(canary, plan, existing)), contentOf(existing))
}

const contentOf = ({ metadata, spec }: Service) => [spec, metadata.labels ?? {}, metadata.annotations ?? {}]

function createService(canary: Canary, plan: ServicePlan, selector: Readonly<Record<string, string>>): Service {
  const { headless, trafficDistribution } = canary.spec.service
  const { labels, annotations } = createMetadata(canary, plan.metadata, recordOf(canary, plan))
  return {
    apiVersion: apiVersionOf(serviceKind),
    kind: serviceKind.kind,
    metadata: {
      ...placeBeside(canary, plan.name),
      labels: { ...labels, [plan.selects.key]: plan.name },
      annotations,
    },
    spec: {
      type: 'ClusterIP',
      ...(headless === true ? { clusterIP: 'None' } : {}),
      selector,
      ports: plan.ports,
      ...(trafficDistribution === undefined ? {} : { trafficDistribution }),
    },
  }
}

function recordOf({ spec }: Canary, { ports, metadata }: ServicePlan): ServiceRecord {
  const { appProtocol, trafficDistribution } = spec.service
  return {
    labels: Object.keys(metadata.labels),
    annotations: Object.keys(metadata.annotations),
    ports: ports.slice(1).flatMap(({ name }) => name ?? []),
    fields: Object.entries({ appProtocol, trafficDistribution }).flatMap(([name, value]) => (value ? [name] : [])),
  }
}

/** What was set for the Canary before goes first. */
function mergeSpec(canary: Canary, plan: ServicePlan, existing: Service): Service['spec'] {
  const former = readRecord(existing)
  const wanted = plan.ports.map(({ name }) => name)
  const isLeft = ({ name = '' }: ServicePort) => !former.ports.includes(name) || wanted.includes(name)
  const ports = (existing.spec.ports ?? [])
    .filter(isLeft)
    .map((port) => (former.fields.includes('appProtocol') ? withoutAppProtocol(port, plan.ports[0]) : port))
  const { trafficDistribution: present, ...spec } = existing.spec
  const others = former.fields.includes('trafficDistribution') ? undefined : present
  const { trafficDistribution = others } = canary.spec.service
  return {
    ...spec,
    ports: mergePorts(ports, plan.ports),
    ...(trafficDistribution === undefined ? {} : { trafficDistribution }),
  }
}

function withoutAppProtocol(port: ServicePort, own: ServicePort | undefined): ServicePort {
  if (port.name !== own?.name) return port
  const { appProtocol: _, ...rest } = port
  return rest
}
