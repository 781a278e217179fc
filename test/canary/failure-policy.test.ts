import { describe, expect, test } from 'vitest'
import { abortAnnotation, promoteAnnotation } from '../../src/api/index.ts'
import { questionsFor } from '../../src/canary/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { initializedWorld, type ReleaseWorld } from '../support/release-world.ts'

function worldAt20(spec: object): ReleaseWorld {
  const world = initializedWorld(buildCanary({ analysis: { mirror: false }, spec }))
  world.release('v2')
  while (world.route.traffic?.canary !== 20) {
    world.pass()
    world.answerWorld()
    world.now += 2_000
  }
  return world
}

const standing = (world: ReleaseWorld) => [
  world.state.phase,
  world.route.traffic?.canary,
  world.target?.replicas,
  world.state.run?.outcome,
]

describe('a release that failed', () => {
  test.each([
    ['rollback', ['Failed', 0, 0, 'Failed']],
    ['hold', ['Failed', 0, 2, 'Failed']],
    ['freeze', ['Progressing', 20, 2, 'Running']],
  ] as const)('%s', (failurePolicy, expected) => {
    const world = worldAt20({ failurePolicy })
    world.verdict = 'failed'
    world.run(60)
    expect(standing(world)).toEqual(expected)
  })

  test('held pods go when the workload is set back to what the primary runs', () => {
    const world = worldAt20({ failurePolicy: 'hold' })
    world.verdict = 'failed'
    world.run()
    world.release('v1')
    world.run()
    expect([world.state.phase, world.target?.replicas]).toEqual(['Initialized', 0])
  })

  test('an operator who aborts keeps nothing', () => {
    const world = worldAt20({ failurePolicy: 'hold' })
    world.annotate(abortAnnotation, 'v2')
    world.run()
    expect(standing(world)).toEqual(['Failed', 0, 0, 'Failed'])
  })
})

describe('a frozen release', () => {
  function frozenWorld(): ReleaseWorld {
    const world = worldAt20({ failurePolicy: 'freeze' })
    world.verdict = 'failed'
    world.run(60)
    return world
  }

  test('says so once, measures no more and writes nothing', () => {
    const world = frozenWorld()
    world.verdict = 'passed'
    world.now += 600_000
    expect(questionsFor(world.state, world.observe())).toEqual([])
    const before = world.snapshot()
    world.pass()
    expect(world.snapshot()).toBe(before)
    const told = world.notes.filter(({ reason }) => reason === 'ThresholdReached')
    expect(told.map(({ severity, isAlert, message }) => [severity, isAlert, message])).toEqual([
      [
        'error',
        true,
        'success rate is failed (failed check 2 of 2); frozen as it is: promote it, abort it, or release another revision',
      ],
    ])
    const stalled = world.canary.status?.conditions?.find(({ type }) => type === 'Stalled')
    expect([stalled?.status, stalled?.reason]).toEqual(['True', 'ThresholdReached'])
  })

  test.each([
    ['promoted', (world: ReleaseWorld) => world.annotate(promoteAnnotation, 'v2'), ['Succeeded', 0, 0, 'Succeeded']],
    ['aborted', (world: ReleaseWorld) => world.annotate(abortAnnotation, 'v2'), ['Failed', 0, 0, 'Failed']],
    ['without pods', (world: ReleaseWorld) => world.losePods('target'), ['Failed', 0, 0, 'Failed']],
  ] as const)('%s, it ends', (_, happens, expected) => {
    const world = frozenWorld()
    happens(world)
    world.run()
    expect(standing(world)).toEqual(expected)
  })

  test('gives way to a newer revision', () => {
    const world = frozenWorld()
    world.verdict = 'passed'
    world.release('v3')
    world.run()
    expect([world.state.phase, world.primary?.revision]).toEqual(['Succeeded', 'v3'])
  })
})

describe('rollbackWindow', () => {
  const promote = (world: ReleaseWorld, revision: string) => {
    world.release(revision)
    world.run()
    world.weights.length = 0
  }

  test.each([
    ['within it the steps are skipped', 3_000_000, [], true],
    ['after it they are not', 3_700_000, [20, 40, 0], undefined],
  ])('%s', (_, waitMs, weights, returning) => {
    const world = initializedWorld(buildCanary({ analysis: { mirror: false }, spec: { rollbackWindow: '1h' } }))
    promote(world, 'v2')
    promote(world, 'v3')
    world.now += waitMs
    world.release('v2')
    world.run()
    expect([world.state.phase, world.primary?.revision, world.weights]).toEqual(['Succeeded', 'v2', weights])
    expect(world.state.run?.progress.returning).toBe(returning)
  })

  test('without a window, and for a version that failed, every step is made', () => {
    const world = initializedWorld(buildCanary({ analysis: { mirror: false } }))
    promote(world, 'v2')
    promote(world, 'v3')
    world.release('v2')
    world.run()
    expect(world.weights).toEqual([20, 40, 0])
  })
})

test('weight 0 that no proxy takes after a promotion is told, and the pods stay until one does', () => {
  const world = worldAt20({})
  const phaseOf = (): string => world.state.phase
  while (phaseOf() !== 'Promoting') {
    world.pass()
    world.answerWorld()
    world.now += 2_000
  }
  while (phaseOf() !== 'Finalising') {
    world.pass()
    world.rollOutAll()
  }
  world.now += 60_000
  world.pass()
  expect([world.route, world.state.stalled?.reason, world.target?.replicas]).toEqual([
    { traffic: { primary: 100, canary: 0, mirror: 0 }, isProgrammed: false },
    'ProxiesLagging',
    2,
  ])
  expect(world.state.stalled?.message).toContain('proxies did not take weight 0 within 1m')
  world.run()
  expect([world.state.phase, world.state.stalled, world.target?.replicas]).toEqual(['Succeeded', undefined, 0])
})

test('a fix after a failed promotion begins on ready pods, and is known to in the next pass too', () => {
  const world = worldAt20({})
  world.primary?.brokenRevisions.add('v2')
  world.run()
  expect(world.state.cause.reason).toBe('PromotionFailed')
  world.losePods('primary')
  world.release('v3')
  for (let turn = 0; turn < 40 && world.state.phase !== 'Succeeded'; turn++) {
    world.pass()
    world.answerWorld()
    world.now += 2_000
    if ((world.primary?.readyReplicas ?? 0) === 0) expect(world.route.traffic?.primary).toBe(0)
  }
})
