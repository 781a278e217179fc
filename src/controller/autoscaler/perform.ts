import type { Canary } from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import { handOver } from '../../traffic/index.ts'
import { type FoundAutoscaler, PAUSED_ANNOTATION } from './observe.ts'
import { isAsWanted, renderPrimaryAutoscaler } from './render.ts'
import { type AutoscalerWatches, autoscalerKinds } from './watches.ts'

export interface AutoscalerOptions {
  readonly client: KubeClient
  readonly watches: AutoscalerWatches
  readonly canary: Canary
  readonly found: FoundAutoscaler | undefined
}

export const autoscalerOf = (
  { client, copies }: { readonly client: KubeClient; readonly copies: { readonly autoscalers: AutoscalerWatches } },
  {
    observation,
    autoscaler,
  }: { readonly observation: { readonly canary: Canary }; readonly autoscaler: FoundAutoscaler | undefined },
): AutoscalerOptions => ({ client, watches: copies.autoscalers, canary: observation.canary, found: autoscaler })

export async function applyPrimaryAutoscaler({ client, watches, canary, found }: AutoscalerOptions): Promise<void> {
  const { autoscalerRef } = canary.spec
  if (autoscalerRef === undefined || found?.source === undefined) return
  const kind = autoscalerKinds[autoscalerRef.kind]
  const wanted = renderPrimaryAutoscaler(canary, autoscalerRef, found.source, found.primary)
  if (isAsWanted(wanted, found.primary)) return
  const written = found.primary ? await client.replace(kind, wanted) : await client.create(kind, wanted)
  watches[autoscalerRef.kind].overlay(written)
}

/** KEDA would give the target its smallest number of pods between releases. */
export async function pauseTarget(
  { client, watches, canary, found }: AutoscalerOptions,
  pause: boolean,
): Promise<void> {
  const { autoscalerRef } = canary.spec
  if (autoscalerRef?.kind !== 'ScaledObject' || found?.source === undefined) return
  const { namespace, name } = found.source.metadata
  const patch = { metadata: { annotations: { [PAUSED_ANNOTATION]: pause ? '0' : null } } }
  const written = await client.patch(autoscalerKinds.ScaledObject, { namespace, name }, patch, { type: 'merge' })
  watches.ScaledObject.overlay(written)
}

export async function handOverAutoscaler({ client, watches, canary, found }: AutoscalerOptions): Promise<void> {
  const { autoscalerRef } = canary.spec
  const handedOver = handOver(found?.primary, canary)
  if (autoscalerRef === undefined || handedOver === undefined) return
  watches[autoscalerRef.kind].overlay(await client.replace(autoscalerKinds[autoscalerRef.kind], handedOver))
}
