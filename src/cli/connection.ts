import { type Canary, canaryKind } from '../api/index.ts'
import { createKubeClient, type KubeClient, KubeError, type ListOptions } from '../kube/index.ts'
import { systemClock } from '../runtime/index.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { processOutput } from './output.ts'

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

/** Watches canaries; `read` makes of each state, or of their absence, what the caller wants. */
export interface CanaryWatch<T> {
  readonly client: KubeClient
  readonly scope: ListOptions
  readonly read: (state: Canary | 'none') => T | Promise<T>
}

/**
 * Each state of the canaries in scope, the present ones first; ends with the signal. Once it has begun, an API server
 * that is away for a while is waited for.
 */
export async function* watchCanaries<T>(watch: CanaryWatch<T>, signal: AbortSignal): AsyncGenerator<T> {
  let hasBegun = false
  while (!signal.aborted) {
    try {
      for await (const state of listAndWatch(watch, signal)) {
        const seen = await watch.read(state)
        hasBegun = true
        yield seen
      }
    } catch (error) {
      if (!hasBegun || !(error instanceof KubeError) || error.retry === 'never') throw error
      processOutput.err(`${error.message}; trying again`)
      await systemClock.sleep(TRY_AGAIN_MS, signal)
    }
  }
}

const TRY_AGAIN_MS = 2_000

async function* listAndWatch(
  { client, scope }: Pick<CanaryWatch<unknown>, 'client' | 'scope'>,
  signal: AbortSignal,
): AsyncGenerator<Canary | 'none'> {
  const { items, resourceVersion } = await client.list(canaryKind, scope)
  if (items.length === 0) yield 'none'
  yield* items
  for await (const event of client.watch(canaryKind, { ...scope, resourceVersion }, signal)) {
    if (event.type === 'DELETED') yield 'none'
    else if (event.type !== 'BOOKMARK') yield event.object
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
  const read = (state: Canary | 'none') => {
    if (state === 'none') throw notFound(ref.namespace, ref.name)
    return onState(state)
  }
  for await (const isDone of watchCanaries({ client, scope, read }, signal)) if (isDone) return
}
