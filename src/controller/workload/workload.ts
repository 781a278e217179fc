import {
  type Canary,
  type DaemonSet,
  type Deployment,
  daemonSetKind,
  deploymentKind,
  type PodTemplate,
  type ResourceKind,
} from '../../api/index.ts'
import { asWritten, scaleToZeroLabel } from '../../canary/index.ts'
import type { Reflector } from '../../kube/index.ts'

/** What a Canary can release. */
export type Workload = Deployment | DaemonSet

export interface WorkloadCopies {
  readonly deployments: Reflector<Deployment>
  readonly daemonSets: Reflector<DaemonSet>
}

export const isDaemonSet = (workload: Workload): workload is DaemonSet => workload.kind === daemonSetKind.kind

export const kindOf = (workload: Workload): ResourceKind<Workload> =>
  isDaemonSet(workload) ? daemonSetKind : deploymentKind

/** The workload of the target's kind with that name. */
export function findWorkload(copies: WorkloadCopies, { metadata, spec }: Canary, name: string): Workload | undefined {
  const ref = { namespace: metadata.namespace, name }
  switch (spec.targetRef.kind) {
    case 'Deployment':
      return copies.deployments.get(ref)
    case 'DaemonSet':
      return copies.daemonSets.get(ref)
    case 'StatefulSet':
      return undefined
    default:
      return spec.targetRef.kind satisfies never
  }
}

export const findTarget = (copies: WorkloadCopies, canary: Canary): Workload | undefined =>
  findWorkload(copies, canary, canary.spec.targetRef.name)

export function overlayWorkload(copies: WorkloadCopies, workload: Workload): void {
  if (isDaemonSet(workload)) copies.daemonSets.overlay(workload)
  else copies.deployments.overlay(workload)
}

export const isNowhere = ({ spec }: DaemonSet): boolean =>
  spec.template.spec.nodeSelector?.[scaleToZeroLabel] !== undefined

export const templateOf = (workload: Workload): PodTemplate => asWritten(workload.spec.template)

/** The merge patch that gives a workload this number of pods; a DaemonSet has all or none. Undefined where it has. */
export function scalePatch(workload: Workload, replicas: number): object | undefined {
  if (!isDaemonSet(workload)) return workload.spec.replicas === replicas ? undefined : { spec: { replicas } }
  if (isNowhere(workload) === (replicas === 0)) return undefined
  const nodeSelector = { [scaleToZeroLabel]: replicas === 0 ? 'true' : null }
  return { spec: { template: { spec: { nodeSelector } } } }
}
