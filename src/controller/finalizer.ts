import { type Canary, canaryFinalizer, canaryKind, flaggerFinalizer, isOfFlagger } from '../api/index.ts'
import { type KubeClient, KubeError } from '../kube/index.ts'
import type { LocalCopies } from './local-copies.ts'

export interface FinalizerOptions {
  readonly client: KubeClient
  readonly copies: LocalCopies
}

/** Something waits for Sluice. */
export const hasFinalizer = (canary: Canary): boolean => finalizersOf(canary).some((each) => isOurs(canary, each))

/** What Flagger's stands for is done by whoever releases its Canaries. */
const isOurs = (canary: Canary, finalizer: string): boolean =>
  finalizer === canaryFinalizer || (finalizer === flaggerFinalizer && isOfFlagger(canary))

const finalizersOf = ({ metadata }: Canary): readonly string[] => metadata.finalizers ?? []

export const isDeleted = ({ metadata }: Canary): boolean => metadata.deletionTimestamp !== undefined

/** From now on the API server keeps a deleted Canary until its workload serves by itself. */
export async function addFinalizer({ client, copies }: FinalizerOptions, canary: Canary): Promise<void> {
  if (finalizersOf(canary).includes(canaryFinalizer)) return
  copies.canaries.overlay(await write(client, canary, [...finalizersOf(canary), canaryFinalizer]))
}

export async function removeFinalizer({ client }: FinalizerOptions, canary: Canary): Promise<void> {
  const others = finalizersOf(canary).filter((each) => !isOurs(canary, each))
  // The local copy is left to the watch: an object that is gone must not come back by an answer that was late.
  await write(client, canary, others).catch(ignoreGone)
}

/** A list is replaced as a whole: the version says that nobody changed it meanwhile. */
function write(client: KubeClient, { metadata }: Canary, finalizers: readonly string[]): Promise<Canary> {
  const { namespace, name, resourceVersion } = metadata
  return client.patch(canaryKind, { namespace, name }, { metadata: { resourceVersion, finalizers } }, { type: 'merge' })
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof KubeError && error.reason === 'NotFound')) throw error
}
