import {
  type Deployment,
  deploymentKind,
  type KubernetesObject,
  type PodTemplate,
  type ReplicaSet,
} from '../../api/index.ts'
import { canonicalJson } from '../../base/index.ts'
import { controllerReference } from './ownership.ts'
import { fencepostsOf, oldestFirst, wantedReplicas } from './rolling-update.ts'
import { nameOfValue } from './safe-name.ts'

const templateHashLabel = 'pod-template-hash'
export const revisionAnnotation = 'deployment.kubernetes.io/revision'
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas'

const NOT_COPIED: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/revision-history',
  revisionAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
])

type Annotations = Readonly<Record<string, string>>

/** The oldest set with the Deployment's template, so that going back finds its former set. */
export function findNewReplicaSet(deployment: Deployment, replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = templateKey(deployment.spec.template)
  return oldestFirst(replicaSets).find((replicaSet) => templateKey(replicaSet.spec.template) === wanted)
}

export const revisionOf = (object: KubernetesObject): number =>
  Number(object.metadata.annotations?.[revisionAnnotation] ?? 0)

export const nextRevision = (old: readonly ReplicaSet[]): number => Math.max(0, ...old.map(revisionOf)) + 1

/** The set for a template that none has yet; `replicas` is filled in by the caller. */
export function renderReplicaSet(deployment: Deployment, old: readonly ReplicaSet[], replicas: number): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec
  const hash = nameOfValue(template)
  const labels = { ...template.metadata?.labels, [templateHashLabel]: hash }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      ...(deployment.metadata.namespace === undefined ? {} : { namespace: deployment.metadata.namespace }),
      labels,
      annotations: replicaSetAnnotations(deployment, nextRevision(old)),
      ownerReferences: [controllerReference(deploymentKind, deployment)],
    },
    spec: {
      replicas,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
    },
  }
}

/** What the new set carries: the Deployment's annotations, its revision and its size. */
export const replicaSetAnnotations = (deployment: Deployment, revision: number): Annotations => ({
  ...Object.fromEntries(Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key))),
  [revisionAnnotation]: String(revision),
  ...sizeAnnotations(deployment),
})

/** The size that a set was last scaled for: the base of proportional scaling. */
export const sizeAnnotations = (deployment: Deployment): Annotations => ({
  [desiredReplicasAnnotation]: String(wantedReplicas(deployment)),
  [maxReplicasAnnotation]: String(wantedReplicas(deployment) + fencepostsOf(deployment).maxSurge),
})

/** The entries of `wanted` that an object does not carry yet. */
export const missingAnnotations = (object: KubernetesObject, wanted: Annotations): Annotations =>
  Object.fromEntries(Object.entries(wanted).filter(([key, value]) => object.metadata.annotations?.[key] !== value))

function templateKey(template: PodTemplate): string {
  const { [templateHashLabel]: _, ...labels } = template.metadata?.labels ?? {}
  return canonicalJson({ ...template, metadata: { ...template.metadata, labels } })
}
