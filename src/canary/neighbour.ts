import { type Canary, isOfFlagger } from '../api/index.ts'
import type { Neighbour } from './observation.ts'
import { isReason, type Reason } from './reasons.ts'
import { parseTime } from './timing.ts'

/** What a waiting run has recorded when nothing but its turn keeps it, or when it was not looked at yet. */
const queuedReasons: readonly Reason[] = ['NewRevision', 'WaitingForTurn', 'Superseded']

/** How a Canary stands for those that may have to wait for it, by what its object says. */
export function neighbourOf(canary: Canary): Neighbour {
  const { name } = canary.metadata
  const dependsOn = isOfFlagger(canary) ? undefined : dependenciesOf(canary)
  const standing = standingOf(canary)
  const waitingSince = standing === 'queued' ? parseTime(canary.status?.lastTransitionTime) : undefined
  return { name, dependsOn, standing, ...(waitingSince === undefined ? {} : { waitingSince }) }
}

export const dependenciesOf = ({ spec }: Canary): readonly string[] => (spec.dependsOn ?? []).map(({ name }) => name)

function standingOf(canary: Canary): Neighbour['standing'] {
  if (canary.metadata.deletionTimestamp !== undefined) return 'leaving'
  const { phase = '', lastAppliedSpec, lastPromotedSpec } = canary.status ?? {}
  switch (phase) {
    case '':
    case 'Initializing':
      return 'initializing'
    case 'Waiting':
      return isQueued(canary) ? 'queued' : 'held'
    case 'Progressing':
    case 'WaitingPromotion':
    case 'Promoting':
    case 'Finalising':
      return 'running'
    case 'Initialized':
    case 'Succeeded':
      return lastAppliedSpec === lastPromotedSpec ? 'promoted' : 'unpromoted'
    case 'Failed':
      return 'failed'
    case 'Terminating':
      return 'leaving'
    default:
      return phase satisfies never
  }
}

/** One that is suspended or stalled lets others by. */
function isQueued({ spec, status = {} }: Canary): boolean {
  const { suspendedAt, conditions = [] } = status
  const isStalled = conditions.some((each) => each.type === 'Stalled' && each.status === 'True')
  if (spec.suspend || suspendedAt !== undefined || isStalled) return false
  const reason = conditions.find(({ type }) => type === 'Ready')?.reason ?? ''
  return isReason(reason) && queuedReasons.includes(reason)
}
