import { apiVersionOf, type Canary, type Deployment, deploymentKind, type PodTemplate } from '../api/index.ts'
import { revisionOf } from '../canary/index.ts'
import { keepOffAnnotations, ownerReferenceTo } from '../traffic/index.ts'
import { primaryLabel, type SelectorLabel } from './selector-label.ts'

/** Hash of the template the primary was copied from. */
export const revisionAnnotation = 'sluice.dev/revision'

export const primaryNameOf = ({ spec }: Pick<Canary, 'spec'>): string => `${spec.targetRef.name}-primary`

/** The Deployment that serves users between and during releases. */
export function renderPrimary(canary: Canary, target: Deployment, label: SelectorLabel): Deployment {
  const own = primaryLabel(label)
  return {
    apiVersion: apiVersionOf(deploymentKind),
    kind: deploymentKind.kind,
    metadata: {
      name: primaryNameOf(canary),
      ...(canary.metadata.namespace === undefined ? {} : { namespace: canary.metadata.namespace }),
      labels: { ...target.metadata.labels, [own.key]: own.value },
      annotations: { ...keepOffAnnotations, [revisionAnnotation]: revisionOf(target.spec.template) },
      ownerReferences: [ownerReferenceTo(canary)],
    },
    spec: {
      ...target.spec,
      replicas: Math.max(1, target.spec.replicas ?? 1),
      selector: { matchLabels: { [own.key]: own.value } },
      template: relabel(target.spec.template, own),
    },
  }
}

/** The same primary with the analysed template and the workload's way of rolling out. */
export function promotePrimary(primary: Deployment, target: Deployment, label: SelectorLabel): Deployment {
  const { replicas } = target.spec
  const revision = revisionOf(target.spec.template)
  return {
    ...primary,
    metadata: { ...primary.metadata, annotations: { ...primary.metadata.annotations, [revisionAnnotation]: revision } },
    spec: {
      ...target.spec,
      replicas: replicas !== undefined && replicas > 0 ? replicas : (primary.spec.replicas ?? 1),
      selector: primary.spec.selector,
      template: relabel(target.spec.template, primaryLabel(label)),
    },
  }
}

const relabel = (template: PodTemplate, { key, value }: SelectorLabel): PodTemplate => ({
  ...template,
  metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [key]: value } },
})
