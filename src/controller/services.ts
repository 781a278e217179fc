import { apiVersionOf, type Canary, type Service, type ServicePort, serviceKind } from '../api/index.ts'
import { isSameJson } from '../base/index.ts'
import { marksOf, serviceNamesOf } from '../traffic/index.ts'
import { primaryLabel, type SelectorLabel } from './workload/selector-label.ts'

export interface ServicePlan {
  readonly name: string
  readonly selects: SelectorLabel
}

/** Apex and primary select the primary's pods, canary those of the workload. */
export function planServices(canary: Canary, label: SelectorLabel) {
  const names = serviceNamesOf(canary)
  const primary = primaryLabel(label)
  return {
    apex: { name: names.apex, selects: primary },
    backends: [
      { name: names.primary, selects: primary },
      { name: names.canary, selects: label },
    ],
  } satisfies { readonly apex: ServicePlan; readonly backends: readonly ServicePlan[] }
}

/** A Service as wanted; of one that exists, everything but the selector and our port stays. */
export function renderService(canary: Canary, plan: ServicePlan, existing: Service | undefined): Service {
  const selector = { [plan.selects.key]: plan.selects.value }
  const ports = mergePorts(existing?.spec.ports ?? [], renderPort(canary))
  if (existing) return { ...existing, spec: { ...existing.spec, selector, ports } }
  return {
    apiVersion: apiVersionOf(serviceKind),
    kind: serviceKind.kind,
    metadata: {
      name: plan.name,
      ...(canary.metadata.namespace === undefined ? {} : { namespace: canary.metadata.namespace }),
      labels: { [plan.selects.key]: plan.name },
      annotations: marksOf(canary),
    },
    spec: { type: 'ClusterIP', selector, ports },
  }
}

export const isServiceAsWanted = (canary: Canary, plan: ServicePlan, existing: Service | undefined): boolean =>
  existing !== undefined && isSameJson(renderService(canary, plan, existing).spec, existing.spec)

function renderPort({ spec }: Canary): ServicePort {
  const { port, portName, targetPort } = spec.service
  return { name: portName, port, targetPort: targetPort ?? port, protocol: 'TCP' }
}

function mergePorts(existing: readonly ServicePort[], own: ServicePort): readonly ServicePort[] {
  const isOwn = (port: ServicePort) => port.port === own.port || port.name === own.name
  const former = existing.find(isOwn)
  const merged = { ...former, ...own }
  return former
    ? existing.filter((port) => port === former || !isOwn(port)).map((port) => (port === former ? merged : port))
    : [...existing, own]
}
