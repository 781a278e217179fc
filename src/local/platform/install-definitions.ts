import {
  allCustomResourceDefinitions,
  type CustomResourceDefinition,
  customResourceDefinitionKind,
  flaggerCustomResourceDefinitions,
  istioCustomResourceDefinitions,
  localCustomResourceDefinitions,
  namespaceKind,
} from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import { rootNamespace } from '../../mesh/model/index.ts'
import type { Clock } from '../../runtime/index.ts'

const LOOK_MS = 10

const definitions: readonly CustomResourceDefinition[] = [
  ...allCustomResourceDefinitions,
  ...istioCustomResourceDefinitions,
  ...localCustomResourceDefinitions,
]

/** Brings the CRDs up to date and waits until every kind is served; the mesh keeps its own in its namespace. */
export async function installDefinitions(
  client: KubeClient,
  clock: Clock,
  signal: AbortSignal,
  withFlagger = false,
): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: rootNamespace } }
  await client.apply(namespaceKind, namespace, { force: true })
  const wanted = withFlagger ? [...definitions, ...flaggerCustomResourceDefinitions] : definitions
  for (const definition of wanted) {
    await client.apply(customResourceDefinitionKind, definition, { force: true })
  }
  for (const { metadata } of wanted) {
    while (!signal.aborted && !isEstablished(await client.get(customResourceDefinitionKind, metadata))) {
      await clock.sleep(LOOK_MS, signal)
    }
  }
}

function isEstablished(definition: CustomResourceDefinition | undefined): boolean {
  const status: { conditions?: readonly { type?: string; status?: string }[] } = definition?.status ?? {}
  return (status.conditions ?? []).some((condition) => condition.type === 'Established' && condition.status === 'True')
}
