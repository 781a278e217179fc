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
import { isConflict, type KubeClient } from '../../kube/index.ts'
import { type ConnectionOptions, connect, getCanaryOrFail } from '../connection.ts'
import { CommandError } from '../exit-codes.ts'
import { processOutput } from '../output.ts'
import { revisionUnderRelease } from '../revision-under-release.ts'

export interface GateOptions extends ConnectionOptions {
  readonly gate?: ManualGate
}

/** Opens a gate for the revision under release; the one it waits at where none is named. */
export const approve = (name: string, options: GateOptions): Promise<void> => runGate(name, options, 'open')

/** Closes a gate for the revision under release, whatever webhooks say. */
export const hold = (name: string, options: GateOptions): Promise<void> => runGate(name, options, 'closed')

async function runGate(name: string, options: GateOptions, state: GateState): Promise<void> {
  const { namespace, gate } = options
  processOutput.out(await setGate(connect(options), { namespace, name }, state, gate))
}

interface CanaryRef {
  readonly namespace: string
  readonly name: string
}

const ATTEMPTS = 10

/** Sets a gate of the Canary as it is now: what others write at the same time is read, and the gate set again. */
export async function setGate(
  client: KubeClient,
  ref: CanaryRef,
  state: GateState,
  named?: ManualGate,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const canary = await getCanaryOrFail(client, ref.namespace, ref.name)
    const revision = revisionUnderRelease(canary)
    const gate = named ?? (await gateOf(client, canary))
    try {
      await writeGate(client, canary, revision, [gate, state])
      return `canary ${ref.namespace}/${ref.name}: ${gate} is ${state} for ${revision}`
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS) throw error
    }
  }
}

async function writeGate(
  client: KubeClient,
  { metadata }: Canary,
  revision: string,
  [gate, state]: readonly [string, GateState],
): Promise<void> {
  const { name, namespace, annotations, resourceVersion } = metadata
  const gates = { ...parseGates(annotations?.[gatesAnnotation], revision), [gate]: state }
  const patch = { metadata: { resourceVersion, annotations: { [gatesAnnotation]: renderGates(revision, gates) } } }
  await client.patch(canaryKind, { namespace, name }, patch, { type: 'merge' })
}

/** The gate that a release waits at; a rise of the weight is approved one step at a time. */
async function gateOf(client: KubeClient, { metadata, status }: Canary): Promise<string> {
  const { namespace, name } = metadata
  if (status?.phase === 'WaitingPromotion') return 'confirm-promotion'
  const run = status?.runName && (await client.get(canaryRunKind, { namespace, name: status.runName }))
  const progress = run ? run.status?.progress : undefined
  if (progress?.reason === 'WaitingForRollout') return 'confirm-rollout'
  if (progress?.reason === 'WaitingForTrafficIncrease') return `confirm-traffic-increase:${progress.stepIndex + 1}`
  // What waits for other releases is none of its gates: opening one would confirm what nobody was asked.
  const instead = status?.phase === 'Waiting' && progress ? ` (${progress.message})` : ''
  throw new CommandError(`canary ${namespace}/${name} does not wait at a gate${instead}: name one with --gate`)
}
