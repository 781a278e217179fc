import {
  type DaemonSet,
  type Deployment,
  daemonSetKind,
  deploymentKind,
  type EndpointSlice,
  endpointSliceKind,
  type KubernetesObject,
  type Pod,
  podKind,
  type ReplicaSet,
  replicaSetKind,
  serviceKind,
} from '../../src/api/index.ts'
import { isSameJson } from '../../src/base/index.ts'
import type { KubeClient } from '../../src/kube/index.ts'

/** Brings pods to what the status of workloads says. */
export async function runWorkloads(client: KubeClient, namespace: string): Promise<void> {
  const { items: deployments } = await client.list(deploymentKind, { namespace })
  const { items: daemonSets } = await client.list(daemonSetKind, { namespace })
  const { items: pods } = await client.list(podKind, { namespace })
  const wanted = daemonSets.flatMap((each) => podsOf(each, each.status?.numberReady))
  for (const each of deployments) {
    const replicaSet = await replicaSetOf(client, each)
    wanted.push(...podsOf(replicaSet, each.status?.readyReplicas))
  }
  const isIn = (list: readonly Pod[]) => (pod: Pod) => list.some(({ metadata }) => metadata.name === pod.metadata.name)
  for (const pod of wanted) if (!isIn(pods)(pod)) await start(client, pod)
  for (const pod of pods) if (!isIn(wanted)(pod)) await client.delete(podKind, pod.metadata)
}

/** Brings EndpointSlices to the pods that Services select. */
export async function followServices(client: KubeClient, namespace: string): Promise<void> {
  const { items: services } = await client.list(serviceKind, { namespace })
  const { items: pods } = await client.list(podKind, { namespace })
  for (const { metadata, spec } of services) {
    const selected = pods.filter(({ metadata: { labels } }) => isSameJson(labels, spec.selector))
    await lead(client, { namespace, name: metadata.name }, selected)
  }
}

/** One for all of its templates. */
async function replicaSetOf(client: KubeClient, deployment: Deployment): Promise<ReplicaSet> {
  const { namespace = '' } = deployment.metadata
  const ref = { namespace, name: `${deployment.metadata.name}-5d4f` }
  const { selector, template } = deployment.spec
  const former = await client.get(replicaSetKind, ref)
  if (former) return former
  const metadata = { ...ref, ownerReferences: [ownerReferenceTo(deployment.kind, deployment)] }
  const spec = { selector, template }
  return client.create(replicaSetKind, { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec })
}

const ownerReferenceTo = (kind: string, { metadata: { name, uid = '' } }: KubernetesObject) => ({
  apiVersion: 'apps/v1',
  kind,
  name,
  uid,
  controller: true,
})

const podsOf = (owner: ReplicaSet | DaemonSet, count = 0): readonly Pod[] =>
  Array.from({ length: count }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${owner.metadata.name}-${index}`,
      namespace: owner.metadata.namespace ?? '',
      ...(owner.spec.template.metadata?.labels && { labels: owner.spec.template.metadata.labels }),
      ownerReferences: [ownerReferenceTo(owner.kind, owner)],
    },
    spec: { containers: owner.spec.template.spec.containers },
  }))

async function start(client: KubeClient, pod: Pod): Promise<void> {
  const { namespace, name } = (await client.create(podKind, pod)).metadata
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }]
  const status = { phase: 'Running', conditions }
  await client.patch(podKind, { namespace, name }, { status }, { type: 'merge', subresource: 'status' })
}

/** Says that a Service leads to these pods. */
async function lead(
  client: KubeClient,
  service: { readonly namespace: string; readonly name: string },
  pods: readonly Pod[],
): Promise<void> {
  const ref = { ...service, name: `${service.name}-1` }
  const former = await client.get(endpointSliceKind, ref)
  const slice: EndpointSlice = former ?? {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...ref, labels: { 'kubernetes.io/service-name': service.name } },
    addressType: 'IPv4',
    ports: [],
  }
  const endpoints = pods.map(({ metadata: { name } }, index) => ({
    addresses: [`10.0.0.${index + 1}`],
    conditions: { ready: true },
    targetRef: { kind: 'Pod', namespace: service.namespace, name },
  }))
  if (former === undefined) await client.create(endpointSliceKind, { ...slice, endpoints })
  else if (!isSameJson(former.endpoints ?? [], endpoints))
    await client.replace(endpointSliceKind, { ...slice, endpoints })
}
