import { abortAnnotation, type Canary, canaryKind, promoteAnnotation } from '../../api/index.ts'
import { type ConnectionOptions, connect, getCanaryOrFail } from '../connection.ts'
import { CommandError } from '../exit-codes.ts'
import { processOutput } from '../output.ts'

const running = ['Waiting', 'Progressing', 'WaitingPromotion']

export const promote = (name: string, options: ConnectionOptions): Promise<void> =>
  annotate(name, options, promoteAnnotation, 'is promoted')

export const abort = (name: string, options: ConnectionOptions): Promise<void> =>
  annotate(name, options, abortAnnotation, 'is rolled back')

/** The command is bound to the revision that is under release now: a newer one is not meant by it. */
async function annotate(name: string, options: ConnectionOptions, annotation: string, outcome: string): Promise<void> {
  const client = connect(options)
  const canary = await getCanaryOrFail(client, options.namespace, name)
  const revision = revisionUnderRelease(canary)
  await client.patch(
    canaryKind,
    { namespace: options.namespace, name },
    { metadata: { annotations: { [annotation]: revision } } },
    { type: 'merge' },
  )
  processOutput.out(`canary ${options.namespace}/${name}: revision ${revision} ${outcome}`)
}

function revisionUnderRelease(canary: Canary): string {
  const phase = canary.status?.phase ?? ''
  const revision = canary.status?.lastAppliedSpec
  if (!running.includes(phase) || revision === undefined) {
    throw new CommandError(
      `${canary.metadata.name} has no release going on (phase ${phase || 'unknown'}): nothing to decide`,
    )
  }
  return revision
}
