import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReleaseGroup } from '../support/release-group.ts'

const members = ['a', 'b', 'c', 'd', 'e']

interface Step {
  readonly name: string
  readonly kind: 'release' | 'pass' | 'wait' | 'fail' | 'answer'
  readonly version: number
}

const edges = fc.array(fc.tuple(fc.constantFrom(...members), fc.constantFrom(...members)), { maxLength: 6 })
const step: fc.Arbitrary<Step> = fc.record({
  name: fc.constantFrom(...members),
  kind: fc.constantFrom('release', 'pass', 'pass', 'pass', 'wait', 'answer', 'fail'),
  version: fc.integer({ min: 2, max: 4 }),
})

function play(group: ReleaseGroup, { name, kind, version }: Step): void {
  const world = group.world(name)
  if (kind === 'release') world.release(`v${version}`)
  if (kind === 'pass') world.pass()
  if (kind === 'answer') world.answerWorld()
  if (kind === 'wait') group.wait(3_000)
  if (kind === 'fail') world.verdict = world.verdict === 'failed' ? 'passed' : 'failed'
}

/** Nothing that failed stands in the way for ever: its user sets it back. */
function finish(group: ReleaseGroup, look: () => void): void {
  const worlds = [...group.worlds.values()]
  for (const world of worlds) world.verdict = 'passed'
  group.settle(look, 30)
  for (const world of worlds.filter(({ state }) => state.phase === 'Failed')) world.release('v1')
  group.settle(look, 30)
}

/** All that a name leads to. */
function reachedFrom(name: string, dependsOf: (name: string) => readonly string[]): ReadonlySet<string> {
  const reached = new Set(dependsOf(name))
  for (const each of reached) for (const next of dependsOf(each)) reached.add(next)
  return reached
}

test('whatever is released when: never more than the limit, a cycle never begins, and all others end', () => {
  const property = fc.property(
    edges,
    fc.integer({ min: 1, max: 3 }),
    fc.array(step, { maxLength: 40 }),
    (pairs, limit, steps) => {
      const dependsOf = (name: string) => [...new Set(pairs.filter(([from]) => from === name).map(([, to]) => to))]
      const cyclic = members.filter((name) => reachedFrom(name, dependsOf).has(name))
      const isBlocked = (name: string) => [name, ...reachedFrom(name, dependsOf)].some((each) => cyclic.includes(each))
      const group = new ReleaseGroup(
        members.map((name) => ({ name, dependsOn: dependsOf(name) })),
        limit,
      )
      const look = () => {
        expect(group.inProgress.length).toBeLessThanOrEqual(limit)
        expect(group.inProgress.filter((name) => cyclic.includes(name))).toEqual([])
      }
      for (const each of steps) {
        play(group, each)
        look()
      }
      finish(group, look)
      const waiting = members.filter((name) => group.world(name).state.phase === 'Waiting')
      expect(waiting.filter((name) => !isBlocked(name))).toEqual([])
      expect(cyclic.filter((name) => group.world(name).state.stalled?.reason !== 'DependencyCycle')).toEqual([])
    },
  )
  fc.assert(property, { numRuns: 40 })
})
