import type { Canary } from '../../api/index.ts'
import { parseDuration } from '../../base/index.ts'
import { untilSignal } from '../../runtime/index.ts'
import { type ConnectionOptions, connect, followCanary } from '../connection.ts'
import { releaseEnd } from '../describe-canary.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { processOutput } from '../output.ts'

export interface WaitOptions extends ConnectionOptions {
  readonly timeout: string
  readonly revision?: string
}

/** Waits for the end of the release that is going on; the exit code tells how it ended. */
export async function waitForRelease(name: string, options: WaitOptions): Promise<void> {
  const timeout = parseDuration(options.timeout)
  if (!timeout.ok) throw new CommandError(`--timeout: ${timeout.error}`, exitCodes.usage)
  const interrupted = untilSignal().signal
  const deadline = AbortSignal.timeout(timeout.value)
  const follower = createFollower(options.revision)
  await followCanary(
    connect(options),
    { namespace: options.namespace, name },
    follower.onState,
    AbortSignal.any([interrupted, deadline]),
  )
  process.exitCode = exitCode(follower.last(), interrupted, deadline)
  if (process.exitCode === exitCodes.timedOut) {
    throw new CommandError(`timed out after ${options.timeout}; the release goes on`, exitCodes.timedOut)
  }
}

interface Follower {
  onState(canary: Canary): boolean
  last(): Outcome
}

type Outcome = 'running' | 'succeeded' | 'rolled-back' | 'superseded'

/** Prints one line per change and remembers how the release stands. */
function createFollower(revision: string | undefined): Follower {
  let outcome: Outcome = 'running'
  let printed = ''
  let awaited = revision
  return {
    last: () => outcome,
    onState(canary) {
      const applied = canary.status?.lastAppliedSpec
      const line = `${canary.status?.phase ?? 'Pending'}: ${canary.status?.message ?? ''}`
      if (line !== printed) processOutput.out(line)
      printed = line
      const isSuperseded = awaited !== undefined && awaited === applied ? false : hasPassed(awaited, canary)
      if (awaited === undefined && canary.status?.phase === 'Progressing') awaited = applied
      outcome = isSuperseded ? 'superseded' : outcomeOf(canary, awaited)
      return outcome !== 'running'
    },
  }
}

/** True when the awaited revision is one of the past and another is current. */
const hasPassed = (awaited: string | undefined, canary: Canary): boolean =>
  awaited !== undefined &&
  (canary.status?.history ?? []).some((line) => line.includes(awaited) && line.includes('Superseded'))

function outcomeOf(canary: Canary, awaited: string | undefined): Outcome {
  if (awaited !== undefined && awaited !== canary.status?.lastAppliedSpec) return 'running'
  return releaseEnd(canary)
}

function exitCode(outcome: Outcome, interrupted: AbortSignal, deadline: AbortSignal): number {
  if (outcome === 'succeeded') return exitCodes.succeeded
  if (outcome === 'rolled-back') return exitCodes.rolledBack
  if (outcome === 'superseded') return exitCodes.superseded
  if (interrupted.aborted) return exitCodes.interrupted
  return deadline.aborted ? exitCodes.timedOut : exitCodes.failed
}
