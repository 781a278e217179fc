import type { Canary } from '../api/index.ts'
import { CommandError } from './exit-codes.ts'

const running = ['Waiting', 'Progressing', 'WaitingPromotion']
const committed = ['Promoting', 'Finalising']

/** @throws CommandError where there is nothing to decide any more, or not yet. */
export function revisionUnderRelease({ metadata, status }: Canary): string {
  const phase = status?.phase || 'unknown'
  const revision = status?.lastAppliedSpec
  if (revision !== undefined && running.includes(phase)) return revision
  const why = committed.includes(phase)
    ? `the promotion of ${revision} has begun already`
    : `no release is going on (phase ${phase})`
  const next = phase === 'Succeeded' ? '; to go back, set the workload to the version before' : ''
  throw new CommandError(`canary ${metadata.namespace}/${metadata.name}: ${why}, so there is nothing to decide${next}`)
}
