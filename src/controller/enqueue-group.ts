import { type Canary, type KubernetesObject, maxReleasesAnnotation } from '../api/index.ts'
import { canonicalJson } from '../base/index.ts'
import { neighbourOf } from '../canary/index.ts'
import type { WorkQueue } from '../kube/index.ts'
import { keyOf } from './enqueue.ts'
import { type GroupOptions, limitOf } from './group.ts'

/** Wakes who waits for another release: by what changed, and by nothing else. */
export function enqueueNeighbours(options: GroupOptions, queue: Pick<WorkQueue, 'add'>): void {
  const { copies, turns } = options
  const add = (canary: Canary): void => queue.add(keyOf(canary))

  const wakeDependents = (namespace: string | undefined, concerns: (names: readonly string[]) => boolean): void => {
    for (const canary of copies.canaries.list(namespace)) {
      const names = (canary.spec.dependsOn ?? []).map(({ name }) => name)
      if (names.length > 0 && concerns(names)) add(canary)
    }
  }

  /** The first in the queue: as many as could begin at most. */
  const wakeFirst = (namespace: string | undefined): void => {
    const limit = limitOf(options, namespace)
    const queued = copies.canaries.list(namespace).filter(({ status }) => status?.phase === 'Waiting')
    const places = queued.map((canary) => ({ canary, place: neighbourOf(canary).waitingSince }))
    const first = places.filter(({ place }) => place !== undefined).sort(byPlace)
    for (const { canary } of limit === undefined ? places : first.slice(0, limit)) add(canary)
  }

  copies.canaries.onChange((current, previous) => {
    const changed = current ?? previous
    if (changed === undefined || isAsBefore(current, previous)) return
    const { name, namespace } = changed.metadata
    // A cycle may lead through names that nobody here depends on directly.
    const isOfAll = canonicalJson(current?.spec.dependsOn) !== canonicalJson(previous?.spec.dependsOn)
    wakeDependents(namespace, (names) => isOfAll || names.includes(name))
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
  current !== undefined &&
  previous !== undefined &&
  canonicalJson(neighbourOf(current)) === canonicalJson(neighbourOf(previous))
