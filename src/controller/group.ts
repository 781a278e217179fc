import { type Canary, maxReleasesAnnotation } from '../api/index.ts'
import { type GroupFacts, type Neighbour, neighbourOf, type ReleaseState } from '../canary/index.ts'
import type { LocalCopies } from './local-copies.ts'
import type { Turns } from './turns.ts'

export interface GroupOptions {
  readonly copies: Pick<LocalCopies, 'canaries' | 'rivals' | 'namespaces' | 'usersOf' | 'waitingIn'>
  readonly turns: Turns
  /** Most releases in progress in a namespace that says nothing itself; 0 for any number. */
  readonly maxConcurrentReleases: number
}

/** Read at the moment of the decision: what another one began is in it, written or not. */
export function observeGroup(options: GroupOptions, canary: Canary, { phase }: ReleaseState): GroupFacts | undefined {
  const limit = limitOf(options, canary.metadata.namespace)
  const dependsOnOthers = (canary.spec.dependsOn ?? []).length > 0
  if (limit === undefined && !dependsOnOthers) return undefined
  const isAsked = dependsOnOthers || phase === 'Waiting'
  return { limit, others: isAsked ? neighboursOf(options, canary) : [] }
}

function neighboursOf({ copies, turns }: GroupOptions, { metadata }: Canary): readonly Neighbour[] {
  const { namespace, uid } = metadata
  return [...copies.canaries.list(namespace), ...(copies.rivals?.list(namespace) ?? [])]
    .filter((other) => other.metadata.uid !== uid)
    .map((other) => {
      const neighbour = neighbourOf(other)
      return turns.has(other) ? { ...neighbour, standing: 'running' } : neighbour
    })
}

/** Undefined for any number; what cannot be read on the Namespace leaves it to the controller. */
export function limitOf(
  { copies, maxConcurrentReleases }: Pick<GroupOptions, 'copies' | 'maxConcurrentReleases'>,
  namespace: string | undefined,
): number | undefined {
  const said = copies.namespaces.get({ name: namespace ?? '' })?.metadata.annotations?.[maxReleasesAnnotation]
  const limit = said !== undefined && /^\d{1,6}$/.test(said) ? Number(said) : maxConcurrentReleases
  return limit === 0 ? undefined : limit
}
