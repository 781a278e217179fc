import { type KubernetesObject, type Pod, type PodTemplate, podKind, type ResourceKind } from '../../api/index.ts'
import { controllerReference } from './ownership.ts'
import { randomSuffix } from './safe-name.ts'
import type { WorkloadContext } from './workload-context.ts'

/** What makes pods of a template. */
export type PodOwner = KubernetesObject & { readonly spec: { readonly template: PodTemplate } }

/** A pod of its owner's template, with the labels that the owner knows it by beside those of the template. */
export function renderOwnedPod<Owner extends PodOwner>(
  kind: ResourceKind<Owner>,
  owner: Owner,
  suffix: string,
  labels: Readonly<Record<string, string>> = {},
): Pod {
  const { template } = owner.spec
  const { name, namespace } = owner.metadata
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${suffix}`,
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, ...labels },
      annotations: { ...template.metadata?.annotations },
      ownerReferences: [controllerReference(kind, owner)],
    },
    spec: template.spec,
  }
}

/** Creates what is rendered with a fresh suffix, and tells of it. */
export async function createOwnedPod(
  context: WorkloadContext,
  owner: PodOwner,
  render: (suffix: string) => Pod,
): Promise<void> {
  const pod = await context.client.create(podKind, render(randomSuffix(context.random)))
  context.pods.overlay(pod)
  const message = `Created pod: ${pod.metadata.name}`
  await context.events.record(owner, { type: 'Normal', reason: 'SuccessfulCreate', message })
}

/** Until the watch shows it leaving, it must not be counted, or a second pod would be spared or lost. */
export async function deleteOwnedPod({ client, leaving }: WorkloadContext, { metadata }: Pod): Promise<void> {
  const { name, namespace, uid } = metadata
  if (uid !== undefined) leaving.add(uid)
  try {
    await client.delete(podKind, { name, namespace }, uid === undefined ? {} : { uid })
  } catch (error) {
    if (uid !== undefined) leaving.delete(uid)
    throw error
  }
}
