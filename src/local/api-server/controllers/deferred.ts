import type { Logger } from '../../../runtime/index.ts'
import { messageOf } from '../../../runtime/index.ts'
import type { Change } from '../storage/event-log.ts'
import type { Store } from '../storage/store.ts'

export type Reaction = (change: Change) => void

/**
 * Runs reactions after the change that caused them has reached every watcher: a reaction writes, and watchers must see
 * changes in order. Answers the way to stop.
 */
export function reactDeferred(store: Store, reactions: readonly Reaction[], log: Logger): () => void {
  let queue: Change[] = []
  let scheduled = false
  let stopped = false
  const run = (): void => {
    scheduled = false
    if (stopped) return
    const changes = queue
    queue = []
    for (const change of changes) for (const reaction of reactions) guarded(reaction, change, log)
  }
  const unsubscribe = store.subscribe((change) => {
    queue.push(change)
    if (scheduled) return
    scheduled = true
    setImmediate(run)
  })
  return () => {
    stopped = true
    unsubscribe()
  }
}

/** One object that can not be handled must not stop the others. */
function guarded(reaction: Reaction, change: Change, log: Logger): void {
  try {
    reaction(change)
  } catch (error) {
    log.error({ resource: change.resource, key: change.key, error: messageOf(error) }, 'a reaction to a change failed')
  }
}
