import type { Canary } from '../../api/index.ts'
import type { AutoscalerFacts } from '../../canary/index.ts'
import {
  type Autoscaler,
  isAsWanted,
  isScaledObject,
  primaryAutoscalerNameOf,
  renderPrimaryAutoscaler,
} from './render.ts'
import type { AutoscalerWatches } from './watches.ts'

/** The autoscaler that a Canary names, and the primary's. */
export interface FoundAutoscaler {
  readonly source: Autoscaler | undefined
  readonly primary: Autoscaler | undefined
}

/** KEDA holds the number of pods that it says, and asks nobody. */
export const PAUSED_ANNOTATION = 'autoscaling.keda.sh/paused-replicas'

export function findAutoscaler(watches: AutoscalerWatches, { metadata, spec }: Canary): FoundAutoscaler | undefined {
  const reference = spec.autoscalerRef
  if (reference === undefined) return undefined
  const watch = watches[reference.kind]
  const { namespace } = metadata
  return {
    source: watch.get({ namespace, name: reference.name }),
    primary: watch.get({ namespace, name: primaryAutoscalerNameOf(reference) }),
  }
}

export function autoscalerFacts(canary: Canary, found: FoundAutoscaler | undefined): AutoscalerFacts | undefined {
  const { autoscalerRef } = canary.spec
  if (autoscalerRef === undefined || found?.source === undefined) return undefined
  const { source, primary } = found
  return {
    minReplicas: (isScaledObject(source) ? source.spec.minReplicaCount : source.spec.minReplicas) ?? 1,
    isPrimaryAsWanted: isAsWanted(renderPrimaryAutoscaler(canary, autoscalerRef, source, primary), primary),
    isPaused: isScaledObject(source) ? source.metadata.annotations?.[PAUSED_ANNOTATION] === '0' : undefined,
  }
}
