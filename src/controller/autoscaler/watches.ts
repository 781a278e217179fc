import { horizontalPodAutoscalerKind, type ResourceKind, scaledObjectKind } from '../../api/index.ts'
import { createReflector, type Reflector, type ReflectorOptions } from '../../kube/index.ts'
import { toleratingAbsence } from './optional-kind.ts'
import type { Autoscaler } from './render.ts'

export const autoscalerKinds = {
  HorizontalPodAutoscaler: horizontalPodAutoscalerKind,
  ScaledObject: scaledObjectKind,
} satisfies Readonly<Record<string, ResourceKind<Autoscaler>>>

export type AutoscalerWatches = Readonly<Record<keyof typeof autoscalerKinds, Reflector<Autoscaler>>>

/** KEDA may not be installed. */
export function createAutoscalerWatches(options: Omit<ReflectorOptions<Autoscaler>, 'kind'>): AutoscalerWatches {
  const client = toleratingAbsence(options.client, options.clock)
  const watch = (kind: ResourceKind<Autoscaler>): Reflector<Autoscaler> =>
    createReflector<Autoscaler>({ ...options, client, kind })
  return {
    HorizontalPodAutoscaler: watch(autoscalerKinds.HorizontalPodAutoscaler),
    ScaledObject: watch(autoscalerKinds.ScaledObject),
  }
}
