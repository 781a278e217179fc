import { apiVersionOf, type Canary, type Deployment, deploymentKind, type PodTemplate } from '../api/index.ts'
import { revisionOf } from '../canary/index.ts'
import { marksOf } from '../traffic/index.ts'
import { withCopies } from './config/copies.ts'
import type { TrackedConfigs } from './config/tracker.ts'
import { primaryLabel, type SelectorLabel } from './selector-label.ts'

/** Hash of the template the primary was copied from. */
export const revisionAnnotation = 'sluice.dev/revision'

export const primaryNameOf = ({ spec }: Pick<Canary, 'spec'>): string => `${spec.targetRef.name}-primary`

export interface PrimarySource {
  readonly canary: Canary
  readonly target: Deployment
  readonly label: SelectorLabel
  readonly configs: TrackedConfigs
}

export const revisionWith = ({ spec }: Deployment, configs: TrackedConfigs): string =>
  revisionOf(spec.template, Object.fromEntries([...configs].map(([key, { hash }]) => [key, hash])))

/** The Deployment that serves users between and during releases. */
export function renderPrimary({ canary, target, label, configs }: PrimarySource): Deployment {
  const own = primaryLabel(label)
  return {
    apiVersion: apiVersionOf(deploymentKind),
    kind: deploymentKind.kind,
    metadata: {
      name: primaryNameOf(canary),
      ...(canary.metadata.namespace === undefined ? {} : { namespace: canary.metadata.namespace }),
      labels: { ...target.metadata.labels, [own.key]: own.value },
      annotations: { ...marksOf(canary), [revisionAnnotation]: revisionWith(target, configs) },
    },
    spec: {
      ...target.spec,
      replicas: Math.max(1, target.spec.replicas ?? 1),
      selector: { matchLabels: { [own.key]: own.value } },
      template: withCopies(canary, relabel(target.spec.template, own), configs),
    },
  }
}

/** The same primary with the analysed template and the workload's way of rolling out. */
export function promotePrimary(primary: Deployment, { canary, target, label, configs }: PrimarySource): Deployment {
  const revision = revisionWith(target, configs)
  return {
    ...primary,
    metadata: { ...primary.metadata, annotations: { ...primary.metadata.annotations, [revisionAnnotation]: revision } },
    spec: {
      ...target.spec,
      replicas: promotedReplicas(canary, target, primary),
      selector: primary.spec.selector,
      template: withCopies(canary, relabel(target.spec.template, primaryLabel(label)), configs),
    },
  }
}

/** An autoscaler's number is nobody else's to set. */
function promotedReplicas({ spec }: Canary, target: Deployment, primary: Deployment): number {
  const { replicas = 0 } = target.spec
  return spec.autoscalerRef === undefined && replicas > 0 ? replicas : (primary.spec.replicas ?? 1)
}

const relabel = (template: PodTemplate, { key, value }: SelectorLabel): PodTemplate => ({
  ...template,
  metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [key]: value } },
})
