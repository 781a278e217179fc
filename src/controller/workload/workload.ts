import {
  type Canary,
  type DaemonSet,
  type Deployment,
  daemonSetKind,
  deploymentKind,
  type PodTemplate,
  type ResourceKind,
  type Service,
  serviceKind,
} from '../../api/index.ts'
import { asWritten, scaleToZeroLabel, scaleToZeroLabels } from '../../canary/index.ts'
import type { Reflector } from '../../kube/index.ts'

/** What makes pods of a template. */
export type Workload = Deployment | DaemonSet

/** What a Canary can release. */
export type Target = Workload | Service

export interface TargetCopies {
  readonly deployments: Reflector<Deployment>
  readonly daemonSets: Reflector<DaemonSet>
  readonly services: Reflector<Service>
}

export const isService = (target: Target): target is Service => target.kind === serviceKind.kind

export const workloadOf = (target: Target | undefined): Workload | undefined =>
  target === undefined || isService(target) ? undefined : target

export const serviceOf = (target: Target | undefined): Service | undefined =>
  target !== undefined && isService(target) ? target : undefined

export const isDaemonSet = (workload: Target): workload is DaemonSet => workload.kind === daemonSetKind.kind

export function kindOf(target: Target): ResourceKind<Target> {
  if (isService(target)) return serviceKind
  return isDaemonSet(target) ? daemonSetKind : deploymentKind
}

/** The object of the target's kind; of another name for the primary. */
export function findTarget(
  copies: TargetCopies,
  { metadata, spec }: Canary,
  name = spec.targetRef.name,
): Target | undefined {
  const ref = { namespace: metadata.namespace, name }
  switch (spec.targetRef.kind) {
    case 'Deployment':
      return copies.deployments.get(ref)
    case 'DaemonSet':
      return copies.daemonSets.get(ref)
    case 'Service':
      return copies.services.get(ref)
    case 'StatefulSet':
      return undefined
    default:
      return spec.targetRef.kind satisfies never
  }
}

export function overlayWorkload(copies: TargetCopies, workload: Target): void {
  if (isService(workload)) copies.services.overlay(workload)
  else if (isDaemonSet(workload)) copies.daemonSets.overlay(workload)
  else copies.deployments.overlay(workload)
}

export const isNowhere = (daemonSet: DaemonSet): boolean => labelsOfNoNode(daemonSet).length > 0

const labelsOfNoNode = ({ spec }: DaemonSet): readonly string[] =>
  scaleToZeroLabels.filter((label) => spec.template.spec.nodeSelector?.[label] !== undefined)

export const templateOf = (workload: Workload): PodTemplate => asWritten(workload.spec.template)

/** The merge patch that gives a workload this number of pods; a DaemonSet has all or none. Undefined where it has. */
export function scalePatch(workload: Workload, replicas: number): object | undefined {
  if (!isDaemonSet(workload)) return workload.spec.replicas === replicas ? undefined : { spec: { replicas } }
  if (isNowhere(workload) === (replicas === 0)) return undefined
  const nodeSelector =
    replicas === 0
      ? { [scaleToZeroLabel]: 'true' }
      : Object.fromEntries(labelsOfNoNode(workload).map((label) => [label, null]))
  return { spec: { template: { spec: { nodeSelector } } } }
}
