import {
  type Canary,
  canaryKind,
  canaryRunKind,
  type GateState,
  gatesAnnotation,
  type ManualGate,
  parseGates,
  renderGates,
} from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import { type ConnectionOptions, connect, getCanaryOrFail } from '../connection.ts'
import { CommandError } from '../exit-codes.ts'
import { processOutput } from '../output.ts'
import { revisionUnderRelease } from '../revision-under-release.ts'

export interface GateOptions extends ConnectionOptions {
  readonly gate?: ManualGate
}

/** Opens a gate for the revision under release; the one it waits at where none is named. */
export const approve = (name: string, options: GateOptions): Promise<void> => setGate(name, options, 'open')

/** Closes a gate for the revision under release, whatever webhooks say. */
export const hold = (name: string, options: GateOptions): Promise<void> => setGate(name, options, 'closed')

async function setGate(name: string, options: GateOptions, state: GateState): Promise<void> {
  const client = connect(options)
  const { namespace } = options
  const canary = await getCanaryOrFail(client, namespace, name)
  const revision = revisionUnderRelease(canary)
  const gate = options.gate ?? (await gateOf(client, canary))
  const { annotations, resourceVersion } = canary.metadata
  const gates = { ...parseGates(annotations?.[gatesAnnotation], revision), [gate]: state }
  const metadata = { resourceVersion, annotations: { [gatesAnnotation]: renderGates(revision, gates) } }
  await client.patch(canaryKind, { namespace, name }, { metadata }, { type: 'merge' })
  processOutput.out(`canary ${namespace}/${name}: ${gate} is ${state} for ${revision}`)
}

/** The gate that a release waits at; a rise of the weight is approved one step at a time. */
async function gateOf(client: KubeClient, { metadata, status }: Canary): Promise<string> {
  const { namespace, name } = metadata
  if (status?.phase === 'Waiting') return 'confirm-rollout'
  if (status?.phase === 'WaitingPromotion') return 'confirm-promotion'
  const run = status?.runName && (await client.get(canaryRunKind, { namespace, name: status.runName }))
  const progress = run ? run.status?.progress : undefined
  if (progress?.reason === 'WaitingForTrafficIncrease') return `confirm-traffic-increase:${progress.stepIndex + 1}`
  throw new CommandError(`canary ${namespace}/${name} does not wait at a gate: name one with --gate`)
}
