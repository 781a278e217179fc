import { describe, expect, test } from 'vitest'
import { buildCanary } from '../support/canary-objects.ts'
import { initializedWorld, type ReleaseWorld } from '../support/release-world.ts'

const STEP_WEIGHTS = { mirror: false, stepWeight: undefined, maxWeight: undefined, stepWeights: [20, 50], threshold: 3 }

/** A release at its first weight, whose next checks all say the same. */
function worldInDoubt(said: Partial<Pick<ReleaseWorld, 'verdict' | 'decision' | 'rule'>>): ReleaseWorld {
  const world = initializedWorld(buildCanary({ analysis: STEP_WEIGHTS, spec: { progressDeadlineSeconds: 60 } }))
  Object.assign(world, said)
  world.release('v2')
  return world
}

function play(world: ReleaseWorld, seconds: number): void {
  for (let elapsed = 0; elapsed < seconds; elapsed += 5) {
    world.pass()
    world.answerWorld()
    world.now += 5_000
  }
}

const outcomeOf = ({ state, weights }: ReleaseWorld) => ({ phase: state.phase, reason: state.cause.reason, weights })

describe('doubt', () => {
  test('holds the weight far beyond every deadline, and a pass goes on from there', () => {
    const world = worldInDoubt({ verdict: 'inconclusive' })
    play(world, 600)
    expect(outcomeOf(world)).toEqual({ phase: 'Progressing', reason: 'Inconclusive', weights: [20] })
    world.verdict = 'passed'
    world.run(400)
    expect(world.state.phase).toBe('Succeeded')
  })

  test('gives the missing verdicts after it a deadline of their own', () => {
    const world = worldInDoubt({ verdict: 'inconclusive' })
    play(world, 600)
    world.verdict = 'provider-down'
    play(world, 40)
    expect(outcomeOf(world)).toMatchObject({ phase: 'Progressing', reason: 'NoVerdict' })
    play(world, 60)
    expect(outcomeOf(world)).toMatchObject({ phase: 'Failed', reason: 'NoVerdictInTime' })
  })

  test('raises the weight where the policy of the metric passes it', () => {
    const world = worldInDoubt({ verdict: 'inconclusive', decision: 'pass', rule: 'comparison.maxExtension' })
    world.run(400)
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded', weights: [20, 50, 0] })
  })

  test('is told of once for each hold, when it begins', () => {
    const world = worldInDoubt({ verdict: 'inconclusive' })
    const told = () =>
      world.notes
        .filter(({ reason }) => reason === 'Inconclusive')
        .map(({ severity, isAlert }) => ({ severity, isAlert }))
    const since = world.now
    while (world.state.cause.reason !== 'Inconclusive' && world.now - since < 600_000) play(world, 5)
    expect(told()).toEqual([{ severity: 'info', isAlert: false }])
    play(world, 100)
    expect(told()).toHaveLength(1)
    world.verdict = 'failed'
    play(world, 20)
    world.verdict = 'inconclusive'
    play(world, 40)
    expect(told()).toHaveLength(2)
  })

  test('that outlasts its extension alerts once', () => {
    const world = worldInDoubt({ verdict: 'inconclusive' })
    play(world, 100)
    const told = () => world.notes.filter(({ reason, isAlert }) => reason === 'Inconclusive' && isAlert).length
    expect(told()).toBe(0)
    world.rule = 'comparison.maxExtension'
    play(world, 100)
    expect(told()).toBe(1)
  })
})

test('proof of harm takes a release back at once, whatever its threshold', () => {
  const world = worldInDoubt({ verdict: 'failed', decision: 'rollback', rule: 'comparison.alpha' })
  play(world, 60)
  expect(outcomeOf(world)).toEqual({ phase: 'Failed', reason: 'MetricFailed', weights: [20, 0] })
})

test('a policy that fails doubt counts towards the threshold', () => {
  const world = worldInDoubt({ verdict: 'inconclusive', decision: 'fail' })
  play(world, 120)
  expect(outcomeOf(world)).toMatchObject({ phase: 'Failed', reason: 'ThresholdReached', weights: [20, 0] })
})

test('a dry run that fails stops nothing', () => {
  const world = worldInDoubt({ verdict: 'failed', decision: 'none' })
  world.run(400)
  expect(world.state.phase).toBe('Succeeded')
})
