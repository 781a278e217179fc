import type { Canary, Deployment, PodTemplate } from '../../api/index.ts'
import { revisionOf } from '../../canary/index.ts'
import { marksOf, placeBeside } from '../../traffic/index.ts'
import { withCopies } from '../config/copies.ts'
import type { TrackedConfigs } from '../config/tracker.ts'
import { relabelPlacement } from './placement.ts'
import { primaryLabel, type SelectorLabel } from './selector-label.ts'
import { isDaemonSet, templateOf, type Workload } from './workload.ts'

/** Hash of the template the primary was copied from. */
export const revisionAnnotation = 'sluice.dev/revision'

export const primaryNameOf = ({ spec }: Pick<Canary, 'spec'>): string => `${spec.targetRef.name}-primary`

export interface PrimarySource {
  readonly canary: Canary
  readonly target: Workload
  readonly label: SelectorLabel
  readonly configs: TrackedConfigs
}

export const revisionWith = (workload: Workload, configs: TrackedConfigs): string =>
  revisionOf(templateOf(workload), Object.fromEntries([...configs].map(([key, { hash }]) => [key, hash])))

/** The workload that serves users between and during releases. */
export function renderPrimary(source: PrimarySource): Workload {
  const { canary, target, label, configs } = source
  const own = primaryLabel(label)
  const metadata = {
    ...placeBeside(canary, primaryNameOf(canary)),
    // Whatever prunes by the labels of its own objects must not find those here.
    labels: { [own.key]: own.value },
    annotations: { ...marksOf(canary), [revisionAnnotation]: revisionWith(target, configs) },
  }
  const pods = { selector: { matchLabels: { [own.key]: own.value } }, template: renderTemplate(source) }
  if (isDaemonSet(target)) {
    return { apiVersion: target.apiVersion, kind: target.kind, metadata, spec: { ...target.spec, ...pods } }
  }
  const replicas = Math.max(1, target.spec.replicas ?? 1)
  return { apiVersion: target.apiVersion, kind: target.kind, metadata, spec: { ...target.spec, replicas, ...pods } }
}

/** The same primary with the analysed template and the workload's way of rolling out. */
export function promotePrimary(primary: Workload, source: PrimarySource): Workload {
  const { canary, target, configs } = source
  const annotations = { ...primary.metadata.annotations, [revisionAnnotation]: revisionWith(target, configs) }
  const metadata = { ...primary.metadata, annotations }
  const pods = { selector: primary.spec.selector, template: renderTemplate(source) }
  if (isDaemonSet(target)) return { ...primary, metadata, spec: { ...target.spec, ...pods } }
  return {
    ...primary,
    metadata,
    spec: { ...target.spec, replicas: promotedReplicas(canary, target, primary), ...pods },
  }
}

/** An autoscaler's number is nobody else's to set. */
function promotedReplicas({ spec }: Canary, target: Deployment, primary: Workload): number {
  const { replicas = 0 } = target.spec
  const former = isDaemonSet(primary) ? 1 : (primary.spec.replicas ?? 1)
  return spec.autoscalerRef === undefined && replicas > 0 ? replicas : former
}

const renderTemplate = ({ canary, target, label, configs }: PrimarySource): PodTemplate =>
  withCopies(canary, relabel(templateOf(target), label), configs)

function relabel(template: PodTemplate, label: SelectorLabel): PodTemplate {
  const { key, value } = primaryLabel(label)
  return {
    ...template,
    metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [key]: value } },
    spec: relabelPlacement(template.spec, { key, from: label.value, to: value }),
  }
}
