import { canaryKind } from '../../src/api/index.ts'
import type { World } from './controller-process.ts'
import { ownWrites } from './invariants.ts'

/** Nobody moves for longer than a pass takes, with all its calls. */
const PAUSE_MS = 800
const PASS_MS = 600

/**
 * Wakes the Canary now and then while nothing moves and no time is awaited, and lists what was written then: it could
 * have been written before, so nobody was woken by what it waited for.
 */
export function watchForForgotten({ api, time, invariants }: World): readonly string[] {
  const forgotten: string[] = []
  let wakes = 0
  const wake = async (): Promise<void> => {
    const [canary] = api.list(canaryKind)
    if (canary === undefined) return
    const before = ownWrites(api).length
    wakes += 1
    const patch = { metadata: { annotations: { 'test/wakes': `${wakes}` } } }
    await api.client('user').patch(canaryKind, canary.metadata, patch, { type: 'merge' })
    await time.sleep(PASS_MS)
    for (const { verb, kind, name } of ownWrites(api).slice(before)) {
      forgotten.push(`in phase ${canary.status?.phase} nobody thought of this: ${verb} ${kind} ${name}`)
      invariants.note(`FORGOTTEN: ${verb} ${kind} ${name}`)
    }
  }
  time.onPause(PAUSE_MS, () => void wake())
  return forgotten
}
