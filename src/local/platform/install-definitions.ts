import {
  allCustomResourceDefinitions,
  type CustomResourceDefinition,
  customResourceDefinitionKind,
  istioCustomResourceDefinitions,
  localCustomResourceDefinitions,
} from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../runtime/index.ts'

const LOOK_MS = 10

const definitions: readonly CustomResourceDefinition[] = [
  ...allCustomResourceDefinitions,
  ...istioCustomResourceDefinitions,
  ...localCustomResourceDefinitions,
]

/** Brings the CRDs up to date and waits until every kind is served. */
export async function installDefinitions(client: KubeClient, clock: Clock, signal: AbortSignal): Promise<void> {
  for (const definition of definitions) {
    await client.apply(customResourceDefinitionKind, definition, { force: true })
  }
  for (const { metadata } of definitions) {
    while (!signal.aborted && !isEstablished(await client.get(customResourceDefinitionKind, metadata))) {
      await clock.sleep(LOOK_MS, signal)
    }
  }
}

function isEstablished(definition: CustomResourceDefinition | undefined): boolean {
  const status: { conditions?: readonly { type?: string; status?: string }[] } = definition?.status ?? {}
  return (status.conditions ?? []).some((condition) => condition.type === 'Established' && condition.status === 'True')
}
