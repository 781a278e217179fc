import { abortAnnotation, canaryKind, promoteAnnotation } from '../../api/index.ts'
import { type ConnectionOptions, connect, getCanaryOrFail } from '../connection.ts'
import { processOutput } from '../output.ts'
import { revisionUnderRelease } from '../revision-under-release.ts'

export const promote = (name: string, options: ConnectionOptions): Promise<void> =>
  annotate(name, options, promoteAnnotation, 'is being promoted')

export const abort = (name: string, options: ConnectionOptions): Promise<void> =>
  annotate(name, options, abortAnnotation, 'is being rolled back')

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
  processOutput.out(`canary ${options.namespace}/${name}: ${revision} ${outcome}`)
}
