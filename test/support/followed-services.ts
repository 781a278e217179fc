import {
  type DaemonSet,
  type Deployment,
  daemonSetKind,
  deploymentKind,
  type Endpoint,
  type EndpointSlice,
  endpointSliceKind,
  serviceKind,
} from '../../src/api/index.ts'
import { isSameJson } from '../../src/base/index.ts'
import type { KubeClient } from '../../src/kube/index.ts'

/** What the EndpointSlice controller would do: one endpoint stands for all pods of a workload that a Service selects. */
export async function followServices(client: KubeClient, namespace: string): Promise<void> {
  const { items: services } = await client.list(serviceKind, { namespace })
  const { items: deployments } = await client.list(deploymentKind, { namespace })
  const { items: daemonSets } = await client.list(daemonSetKind, { namespace })
  for (const { metadata, spec } of services) {
    const selects = ({ spec: { selector } }: Workload) => isSameJson(selector.matchLabels, spec.selector)
    const workload = [...deployments, ...daemonSets].find(selects)
    // Overtaken by another change, which has its own turn.
    await write(client, namespace, metadata.name, workload ? [endpointOf(workload)] : []).catch(() => undefined)
  }
}

type Workload = Deployment | DaemonSet

async function write(
  client: KubeClient,
  namespace: string,
  service: string,
  endpoints: readonly Endpoint[],
): Promise<void> {
  const ref = { namespace, name: `${service}-1` }
  const former = await client.get(endpointSliceKind, ref)
  if (former && isSameJson(former.endpoints ?? [], endpoints)) return
  const slice: EndpointSlice = former ?? {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...ref, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [],
  }
  await (former ? client.replace : client.create)(endpointSliceKind, { ...slice, endpoints })
}

function endpointOf({ metadata, status = {} }: Workload): Endpoint {
  const ready = ('numberReady' in status ? status.numberReady : (status.readyReplicas ?? 0)) > 0
  const { namespace = '', name } = metadata
  return {
    addresses: ['10.0.0.1'],
    conditions: { ready },
    targetRef: { kind: 'Pod', namespace, name: `${name}-x2x4z` },
  }
}
