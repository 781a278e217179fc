import type { Canary } from '../api/index.ts'
import { type Change, note } from './decision.ts'
import { cycleOf } from './dependency-cycle.ts'
import { holdWith, isSameCause } from './hold.ts'
import { dependenciesOf } from './neighbour.ts'
import type { Neighbour, Observation } from './observation.ts'
import type { Cause, Reason } from './reasons.ts'
import { withProgress } from './run.ts'
import { type ActiveRelease, type Beginning, isActive, type ReleaseState } from './state.ts'

type Unanswered = Omit<Observation, 'answers'>

/** What is applied together arrives within this time: a dependency that changes too is seen before anything begins. */
const APPLIED_TOGETHER_MS = 5_000

/** The run touches the world: it has begun and is not over. */
export const isInProgress = (state: ReleaseState): boolean => isActive(state) && state.phase !== 'Waiting'

/** Whoever is in a hurry waits for nobody: users are unserved, or go back to a version that served them lately. */
export const mustWait = ({ canary, group }: Unanswered, beginning: Beginning | undefined): boolean =>
  beginning === undefined && (dependenciesOf(canary).length > 0 || group?.limit !== undefined)

/** Why a run that has not begun yet must not; undefined when it is its turn. */
export function turnOf(state: ActiveRelease, observation: Unanswered): Cause | undefined {
  const { returning, recovering } = state.run.progress
  if (returning || recovering) return undefined
  return dependencyFault(observation) ?? waitForDependencies(state, observation) ?? waitForTurn(state, observation)
}

/** Time at which a run that depends on others may begin for the first time. */
export const settledAt = (state: ActiveRelease, { canary }: Unanswered): number | undefined =>
  dependenciesOf(canary).length === 0 ? undefined : state.run.startedAt + APPLIED_TOGETHER_MS

/** Holds a run that must not begin. Who asked a gate meanwhile asks it anew: nothing was confirmed for later. */
export function awaitTurn(state: ActiveRelease, cause: Cause): Change | undefined {
  const held = withProgress(state, { askedAt: undefined })
  if (isFault(cause)) return holdWith(held, cause, 'stalled')
  const change = holdWith(held, cause)
  return change && { ...change, notes: isSameCause(state.cause, cause) ? [] : [note('info', cause)] }
}

/** A fault in what a Canary depends on shows before it matters. */
export function standOnFault(state: ReleaseState, observation: Observation): Change | undefined {
  const fault = dependencyFault(observation)
  if (fault === undefined)
    return isFault(state.stalled) ? { state: { ...state, stalled: undefined }, notes: [] } : undefined
  if (isSameCause(state.stalled, fault)) return undefined
  const isNews = state.stalled?.reason !== fault.reason
  return { state: { ...state, stalled: fault }, notes: isNews ? [note('warn', fault)] : [] }
}

const faultReasons: readonly Reason[] = ['DependencyNotFound', 'DependencyCycle']

const isFault = (cause: Cause | undefined): boolean => cause !== undefined && faultReasons.includes(cause.reason)

/** What nothing but an edit of a spec can mend. */
function dependencyFault({ canary, group }: Unanswered): Cause | undefined {
  const names = dependenciesOf(canary)
  if (names.length === 0 || group === undefined) return undefined
  const peers = peersOf(group.others)
  const missing = names.filter((name) => name !== canary.metadata.name && !peers.has(name))
  const [first] = missing
  if (first !== undefined) {
    const message = `spec.dependsOn names ${missing.join(', ')}, and there is no such Canary in namespace ${canary.metadata.namespace}: create it or take the name out`
    return { reason: 'DependencyNotFound', message }
  }
  const cycle = cycleOf(canary.metadata.name, graphOf(canary, peers))
  if (cycle === undefined) return undefined
  const message = `spec.dependsOn leads back here (${cycle.join(' -> ')}), so that none of them can begin: take one of these out`
  return { reason: 'DependencyCycle', message }
}

const peersOf = (others: readonly Neighbour[]): ReadonlyMap<string, Neighbour> =>
  new Map(others.flatMap((other) => (other.dependsOn === undefined ? [] : [[other.name, other]])))

const graphOf = (canary: Canary, peers: ReadonlyMap<string, Neighbour>) => (name: string) =>
  (name === canary.metadata.name ? dependenciesOf(canary) : peers.get(name)?.dependsOn) ?? []

const unreadiness: Readonly<Record<Neighbour['standing'], string | undefined>> = {
  initializing: 'its first version is not ready yet',
  queued: 'its release waits for its turn',
  held: 'its release waits to begin',
  running: 'its release is in progress',
  promoted: undefined,
  unpromoted: 'its newest revision was not promoted yet',
  failed: 'its last release failed',
  leaving: 'it is being deleted',
}

function waitForDependencies(state: ActiveRelease, observation: Unanswered): Cause | undefined {
  const peers = peersOf(observation.group?.others ?? [])
  const names = dependenciesOf(observation.canary)
  const unready = names.flatMap((name) => {
    const peer = peers.get(name)
    const why = peer && unreadiness[peer.standing]
    return why === undefined ? [] : [`${name} (${why})`]
  })
  if (unready.length > 0) return { reason: 'WaitingForDependencies', message: `waiting for ${unready.join(', ')}` }
  if ((settledAt(state, observation) ?? 0) <= observation.now) return undefined
  return { reason: 'WaitingForDependencies', message: `looking whether ${names.join(', ')} changes too` }
}

/** Those that wait begin in the order in which they were detected; the count is of those before this one. */
function waitForTurn(state: ActiveRelease, { canary, group }: Unanswered): Cause | undefined {
  if (group?.limit === undefined) return undefined
  const isBefore = ({ standing, waitingSince = 0, name }: Neighbour): boolean =>
    standing === 'queued' && (waitingSince === state.since ? name < canary.metadata.name : waitingSince < state.since)
  const before = group.others.filter((other) => other.standing === 'running' || isBefore(other))
  if (before.length < group.limit) return undefined
  const releases = group.limit === 1 ? 'one release is' : `${group.limit} releases are`
  const message = `waiting for its turn: at most ${releases} in progress at a time in namespace ${canary.metadata.namespace}`
  return { reason: 'WaitingForTurn', message }
}
