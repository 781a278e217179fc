import type { KubernetesObject, ResourceKind } from './meta.ts'

export interface ScaleTargetReference {
  readonly apiVersion?: string
  readonly kind?: string
  readonly name: string
}

export interface HorizontalPodAutoscaler extends KubernetesObject {
  readonly spec: {
    readonly scaleTargetRef: ScaleTargetReference
    readonly minReplicas?: number
    readonly maxReplicas: number
    readonly metrics?: readonly object[]
    readonly behavior?: object
  }
  readonly status?: object
}

export interface ScaleTrigger {
  readonly type: string
  readonly name?: string
  readonly metadata: Readonly<Record<string, string>>
}

/** KEDA's. */
export interface ScaledObject extends KubernetesObject {
  readonly spec: {
    readonly scaleTargetRef: ScaleTargetReference
    readonly minReplicaCount?: number
    readonly maxReplicaCount?: number
    readonly triggers: readonly ScaleTrigger[]
    readonly advanced?: {
      readonly horizontalPodAutoscalerConfig?: { readonly name?: string }
    }
  }
  readonly status?: object
}

export const horizontalPodAutoscalerKind: ResourceKind<HorizontalPodAutoscaler> = {
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  namespaced: true,
}

export const scaledObjectKind: ResourceKind<ScaledObject> = {
  group: 'keda.sh',
  version: 'v1alpha1',
  kind: 'ScaledObject',
  plural: 'scaledobjects',
  namespaced: true,
}
