import { type Canary, type KubernetesObject, maxReleasesAnnotation } from '../api/index.ts'
import { isSameJson } from '../base/index.ts'
import { neighbourOf } from '../canary/index.ts'
import type { WorkQueue } from '../kube/index.ts'
import { keyOf } from './enqueue.ts'
import { type GroupOptions, limitOf } from './group.ts'

/** Wakes who waits for another release: by what changed, and by nothing else. */
export function enqueueNeighbours(options: GroupOptions, queue: Pick<WorkQueue, 'add'>): void {
  const { copies, turns } = options
  const add = (canary: Canary): void => queue.add(keyOf(canary))

  const wakeAllDependents = (namespace: string | undefined): void => {
    for (const canary of copies.canaries.list(namespace)) if ((canary.spec.dependsOn ?? []).length > 0) add(canary)
  }

  /** The first in the queue: as many as could begin at most. */
  const wakeFirst = (namespace: string | undefined): void => {
    const limit = limitOf(options, namespace)
    const places = copies
      .waitingIn(namespace ?? '')
      .map((canary) => ({ canary, place: neighbourOf(canary).waitingSince }))
    const first = places.filter(({ place }) => place !== undefined).sort(byPlace)
    for (const { canary } of limit === undefined ? places : first.slice(0, limit)) add(canary)
  }

  copies.canaries.onChange((current, previous) => {
    const changed = current ?? previous
    if (changed === undefined || isAsBefore(current, previous)) return
    const { namespace } = changed.metadata
    // A cycle may lead through names that nobody here depends on directly.
    const isOfAll = !isSameJson(current?.spec.dependsOn, previous?.spec.dependsOn)
    if (isOfAll) wakeAllDependents(namespace)
    else for (const dependent of copies.usersOf('dependency', changed.metadata)) add(dependent)
    wakeFirst(namespace)
  })
  copies.rivals?.onChange((current, previous) => {
    if (!isAsBefore(current, previous)) wakeFirst((current ?? previous)?.metadata.namespace)
  })
  copies.namespaces.onChange((current, previous) => {
    if (limitText(current) !== limitText(previous)) wakeFirst((current ?? previous)?.metadata.name)
  })
  turns.onSettled((namespace) => wakeFirst(namespace))
}

const byPlace = (one: Placed, other: Placed): number =>
  (one.place ?? 0) - (other.place ?? 0) || (one.canary.metadata.name < other.canary.metadata.name ? -1 : 1)

interface Placed {
  readonly canary: Canary
  readonly place: number | undefined
}

const limitText = (namespace: KubernetesObject | undefined): string | undefined =>
  namespace?.metadata.annotations?.[maxReleasesAnnotation]

const isAsBefore = (current: Canary | undefined, previous: Canary | undefined): boolean =>
  current !== undefined && previous !== undefined && isSameJson(neighbourOf(current), neighbourOf(previous))
