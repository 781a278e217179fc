import { type Canary, canaryKind } from '../api/index.ts'
import { createKubeClient, type KubeClient } from '../kube/index.ts'
import { CommandError, exitCodes } from './exit-codes.ts'

export interface ConnectionOptions {
  readonly kubeconfig?: string
  readonly namespace: string
}

/** The client of a user's command: its writes carry the field manager `sluice-cli`. */
export function connect(options: Pick<ConnectionOptions, 'kubeconfig'>): KubeClient {
  return createKubeClient({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    fieldManager: 'sluice-cli',
  })
}

/** The Canary, or an error with exit code 5. */
export async function getCanaryOrFail(client: KubeClient, namespace: string, name: string): Promise<Canary> {
  const canary = await client.get(canaryKind, { namespace, name })
  if (canary === undefined) {
    throw new CommandError(`there is no canary ${namespace}/${name}; see "sluice get canary -A"`, exitCodes.notFound)
  }
  return canary
}

/** Calls back with each state of one Canary, the present one first, until the callback returns true or the signal fires. */
export async function followCanary(
  client: KubeClient,
  ref: { readonly namespace: string; readonly name: string },
  onState: (canary: Canary) => boolean,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const list = await client.list(canaryKind, {
      namespace: ref.namespace,
      fieldSelector: `metadata.name=${ref.name}`,
    })
    const [canary] = list.items
    if (canary === undefined) {
      throw new CommandError(`the canary ${ref.namespace}/${ref.name} does not exist (any more)`, exitCodes.notFound)
    }
    if (onState(canary)) return
    const events = client.watch(
      canaryKind,
      {
        namespace: ref.namespace,
        fieldSelector: `metadata.name=${ref.name}`,
        resourceVersion: list.resourceVersion,
      },
      signal,
    )
    for await (const event of events) {
      if (event.type === 'DELETED') break
      if (event.type !== 'BOOKMARK' && onState(event.object)) return
    }
  }
}
