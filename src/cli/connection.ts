import { type Canary, canaryKind } from '../api/index.ts'
import { createKubeClient, type KubeClient, type ListOptions } from '../kube/index.ts'
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

const notFound = (namespace: string, name: string): CommandError =>
  new CommandError(`there is no canary ${namespace}/${name}; see "sluice get canary -A"`, exitCodes.notFound)

/** The Canary, or an error with exit code 5. */
export async function getCanaryOrFail(client: KubeClient, namespace: string, name: string): Promise<Canary> {
  const canary = await client.get(canaryKind, { namespace, name })
  if (canary === undefined) throw notFound(namespace, name)
  return canary
}

/** Each state of the canaries in scope, the present ones first; ends with the signal. */
export async function* canaryStates(
  client: KubeClient,
  scope: ListOptions,
  signal: AbortSignal,
): AsyncGenerator<Canary | 'none'> {
  while (!signal.aborted) {
    const list = await client.list(canaryKind, scope)
    if (list.items.length === 0) yield 'none'
    yield* list.items
    for await (const event of client.watch(canaryKind, { ...scope, resourceVersion: list.resourceVersion }, signal)) {
      if (event.type === 'DELETED') yield 'none'
      else if (event.type !== 'BOOKMARK') yield event.object
    }
  }
}

/** Calls back with each state of one Canary until the callback returns true or the signal fires. */
export async function followCanary(
  client: KubeClient,
  ref: { readonly namespace: string; readonly name: string },
  onState: (canary: Canary) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const scope = { namespace: ref.namespace, fieldSelector: `metadata.name=${ref.name}` }
  for await (const canary of canaryStates(client, scope, signal)) {
    if (canary === 'none') throw notFound(ref.namespace, ref.name)
    if (await onState(canary)) return
  }
}
