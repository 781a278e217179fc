import { endpointSliceKind, serviceNameLabel } from '../../api/index.ts'
import type { WorkOutcome } from '../../kube/index.ts'
import { decideEndpointSlices, type EndpointSliceAction } from './endpoint-slice.ts'
import { parseKey, type WorkloadContext } from './workload-context.ts'

/** Writes the EndpointSlices of one Service. Those of a deleted Service are collected by their owner reference. */
export async function reconcileService(context: WorkloadContext, key: string): Promise<WorkOutcome> {
  const service = context.services.get(parseKey(key))
  if (service === undefined) return {}
  const { name, namespace } = service.metadata
  const slices = context.endpointSlices
    .list(namespace)
    .filter((slice) => slice.metadata.labels?.[serviceNameLabel] === name)
  const actions = decideEndpointSlices({ service, pods: context.pods.list(namespace), slices })
  for (const action of actions) await perform(context, action)
  return {}
}

async function perform(context: WorkloadContext, action: EndpointSliceAction): Promise<void> {
  const { client, endpointSlices } = context
  if (action.kind === 'create') endpointSlices.overlay(await client.create(endpointSliceKind, action.slice))
  else if (action.kind === 'replace') endpointSlices.overlay(await client.replace(endpointSliceKind, action.slice))
  else await client.delete(endpointSliceKind, action.slice.metadata)
}
