import {
  type Canary,
  type CanaryRun,
  canaryRunKind,
  type DaemonSet,
  type Deployment,
  daemonSetKind,
  deploymentKind,
  type ResourceKind,
  serviceKind,
} from '../../api/index.ts'
import { parseDuration } from '../../base/index.ts'
import { isRevisionOf, revisionOf, revisionOfService } from '../../canary/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import { untilSignal } from '../../runtime/index.ts'
import { type ConnectionOptions, connect, followCanary } from '../connection.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { processOutput } from '../output.ts'
import { type Outcome, outcomeOf, revisionNamed } from '../release-outcome.ts'

export interface WaitOptions extends ConnectionOptions {
  readonly timeout: string
  readonly revision?: string
}

/** Waits for the end of the release of what the workload says now; the exit code tells how it ended. */
export async function waitForRelease(name: string, options: WaitOptions): Promise<void> {
  const timeout = parseDuration(options.timeout)
  if (!timeout.ok) throw new CommandError(`--timeout: ${timeout.error}`, exitCodes.usage)
  const client = connect(options)
  using interrupted = untilSignal()
  const deadline = AbortSignal.timeout(timeout.value)
  const follower = createFollower(client, options.revision)
  await followCanary(
    client,
    { namespace: options.namespace, name },
    follower.onState,
    AbortSignal.any([interrupted.signal, deadline]),
  )
  const end = follower.last()
  if (end !== 'running') process.exitCode = endCodes[end]
  else if (interrupted.signal.aborted) process.exitCode = exitCodes.interrupted
  else throw new CommandError(`timed out after ${options.timeout}; the release goes on`, exitCodes.timedOut)
}

const endCodes = {
  succeeded: exitCodes.succeeded,
  'rolled-back': exitCodes.rolledBack,
  superseded: exitCodes.superseded,
} as const

interface Follower {
  onState(canary: Canary): Promise<boolean>
  last(): Outcome
}

/** Prints one line per change and remembers how the release stands. */
function createFollower(client: KubeClient, word: string | undefined): Follower {
  let outcome: Outcome = 'running'
  let awaited: string | undefined
  let printed = ''
  const print = (line: string) => {
    if (line !== printed) processOutput.out(line)
    printed = line
  }
  return {
    last: () => outcome,
    async onState(canary) {
      const [workload, runs] = await Promise.all([readWorkload(client, canary), readRuns(client, canary)])
      awaited ??= word === undefined ? workload?.revision : revisionNamed(word, runs, workload)
      if (awaited === undefined) {
        print(word === undefined ? missingWorkload(canary) : `waiting for a release of ${word}`)
        return false
      }
      outcome = outcomeOf({ canary, runs, workload: workload?.revision, awaited })
      print(describe(canary, awaited, outcome))
      return outcome !== 'running'
    },
  }
}

const missingWorkload = ({ spec }: Canary): string =>
  `waiting for ${spec.targetRef.kind} ${spec.targetRef.name}, which does not exist`

/** Until the controller has seen the change, the status speaks of the release before. */
function describe({ status }: Canary, awaited: string, outcome: Outcome): string {
  if (isRevisionOf(awaited, status?.lastAppliedSpec)) return `${status?.phase}: ${status?.message}`
  if (outcome === 'running') return `waiting for the release of ${awaited} to begin`
  if (outcome === 'superseded') return `${awaited} was replaced by ${status?.lastAppliedSpec}`
  return `${awaited} ${outcome === 'succeeded' ? 'was promoted' : 'was rolled back'}; now ${status?.lastAppliedSpec} is released`
}

interface Workload {
  readonly revision: string
  readonly images: readonly string[]
}

async function readWorkload(client: KubeClient, { metadata, spec }: Canary): Promise<Workload | undefined> {
  const ref = { namespace: metadata.namespace, name: spec.targetRef.name }
  if (spec.targetRef.kind === 'Service') {
    const service = await client.get(serviceKind, ref)
    return service && { revision: revisionOfService(service), images: [] }
  }
  const kind: ResourceKind<Deployment | DaemonSet> =
    spec.targetRef.kind === 'DaemonSet' ? daemonSetKind : deploymentKind
  const workload = await client.get(kind, ref)
  if (workload === undefined) return undefined
  const { template } = workload.spec
  return { revision: revisionOf(template), images: template.spec.containers.map(({ image }) => image) }
}

async function readRuns(client: KubeClient, { metadata }: Canary): Promise<readonly CanaryRun[]> {
  const { items } = await client.list(canaryRunKind, { namespace: metadata.namespace ?? '' })
  return items.filter(({ spec }) => spec.canary === metadata.name)
}
