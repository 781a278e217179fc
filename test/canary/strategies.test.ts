import { describe, expect, test } from 'vitest'
import { promoteAnnotation } from '../../src/api/index.ts'
import { planSteps } from '../../src/canary/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { initializedWorld, type ReleaseWorld } from '../support/release-world.ts'

const noWeights = { stepWeight: undefined, maxWeight: undefined }
const blueGreen = { ...noWeights, iterations: 3 }
const abTest = { ...blueGreen, match: [{ headers: { 'x-user': { exact: 'beta' } } }] }
const confirmation = [{ name: 'end', type: 'confirm-promotion', url: 'http://gate/' }]

const matching = { primary: 0, canary: 100, mirror: 0, matching: true }

const planOf = (analysis: object) => planSteps(buildCanary({ analysis }).spec.analysis)
const routesOf = (world: ReleaseWorld) =>
  world.performed.flatMap((action) => (action.kind === 'route' ? [action.traffic] : []))
const stepsOf = (world: ReleaseWorld) =>
  world.state.run?.steps.map(({ kind, weight, outcome, verdicts }) => [kind, weight, outcome, verdicts.length])
const shares = (world: ReleaseWorld) =>
  routesOf(world).map(({ canary, mirror, matching: isMatching }) =>
    [`${canary}`, ...(mirror > 0 ? ['mirrored'] : []), ...(isMatching ? ['matching'] : [])].join(' '),
  )

function releasedWorld(analysis: object): ReleaseWorld {
  const world = initializedWorld(buildCanary({ analysis }))
  world.release('v2')
  return world
}

describe('the plan of a strategy', () => {
  test.each([
    ['A/B', { ...abTest, mirror: false }, ['match 100 x3']],
    ['A/B after mirroring', abTest, ['mirror 0 x1', 'match 100 x3']],
    ['blue/green', { ...blueGreen, mirror: false }, ['iterations 0 x3', 'weight 100 x1']],
    ['blue/green with mirroring', blueGreen, ['mirror 0 x3', 'weight 100 x1']],
    ['weights that pass the largest', { stepWeight: 20, maxWeight: 50, mirror: false }, ['20', '40', '50']],
    ['explicit weights', { ...noWeights, stepWeights: [1, 2, 10, 80], mirror: false }, ['1', '2', '10', '80']],
  ] as const)('%s', (_, analysis, expected) => {
    const steps = planOf(analysis).map(({ kind, traffic, iterations }) => `${kind} ${traffic.canary} x${iterations}`)
    expect(steps).toEqual(expected.map((each) => (each.includes('x') ? each : `weight ${each} x1`)))
  })
})

describe('A/B testing', () => {
  test('matching requests go to the new version for the iterations, and nobody else meets it', () => {
    const world = releasedWorld({ ...abTest, mirror: false })
    expect(world.run()).toEqual(['Progressing', 'Promoting', 'Finalising', 'Succeeded'])
    expect(routesOf(world)).toEqual([matching, { primary: 100, canary: 0, mirror: 0 }])
    expect(stepsOf(world)).toEqual([['match', 100, 'passed', 3]])
  })

  test('a check that fails takes the matching requests back', () => {
    const world = releasedWorld({ ...abTest, mirror: false, threshold: 1 })
    world.verdict = 'failed'
    world.run()
    expect([shares(world), world.state.phase, world.primary?.revision]).toEqual([['100 matching', '0'], 'Failed', 'v1'])
  })

  test('a primary without pods in promotion gets nobody, matching or not', () => {
    const world = releasedWorld({ ...abTest, mirror: false })
    world.run(200, 1_000)
    world.release('v3')
    while (world.state.phase !== 'Promoting') {
      world.pass()
      world.answerWorld()
      world.now += 5_000
    }
    world.losePods('primary')
    world.pass()
    expect(world.route.traffic).toEqual({ primary: 0, canary: 100, mirror: 0 })
  })

  test('somebody who sets a weight instead of the match is overruled, and one who takes it away ends the run', () => {
    const world = releasedWorld({ ...abTest, mirror: false })
    while (world.state.run?.steps[0]?.programmedAt === undefined) {
      world.pass()
      world.answerWorld()
    }
    world.route = { traffic: { primary: 0, canary: 100, mirror: 0 }, isProgrammed: true }
    world.pass()
    expect(world.route.traffic).toEqual(matching)
    world.route = { traffic: { primary: 100, canary: 0, mirror: 0 }, isProgrammed: true }
    world.run()
    expect(world.state.cause.reason).toBe('TrafficLowered')
  })
})

describe('blue/green', () => {
  test('no user meets the new version before the iterations passed; then all do, and it is promoted', () => {
    const world = releasedWorld({ ...blueGreen, mirror: false })
    expect(world.run()).toEqual(['Progressing', 'Promoting', 'Finalising', 'Succeeded'])
    expect(shares(world)).toEqual(['100', '0'])
    expect(stepsOf(world)).toEqual([
      ['iterations', 0, 'passed', 3],
      ['weight', 100, 'passed', 1],
    ])
  })

  test('with mirroring it is tested on copies for as long', () => {
    const world = releasedWorld(blueGreen)
    world.run()
    expect(shares(world)).toEqual(['0 mirrored', '100', '0'])
    expect(stepsOf(world)?.[0]).toEqual(['mirror', 0, 'passed', 3])
  })

  test('the switch is what waits for confirmation, and it is asked for once', () => {
    const world = releasedWorld({ ...blueGreen, mirror: false, webhooks: confirmation })
    world.gates = { 'confirm-promotion': false }
    world.run(60)
    expect([world.state.phase, shares(world)]).toEqual(['WaitingPromotion', []])
    world.gates = {}
    const phases = world.run()
    expect(phases).toEqual(['WaitingPromotion', 'Progressing', 'Promoting', 'Finalising', 'Succeeded'])
    expect(shares(world)).toEqual(['100', '0'])
  })

  test('an operator who promotes skips the switch', () => {
    const world = releasedWorld({ ...blueGreen, mirror: false, webhooks: confirmation })
    world.gates = { 'confirm-promotion': false }
    world.run(60)
    world.annotate(promoteAnnotation, 'v2')
    expect(world.run()).toContain('Succeeded')
    expect(shares(world)).toEqual([])
  })

  test('what fails after the switch goes back to the old primary', () => {
    const world = releasedWorld({ ...blueGreen, mirror: false, threshold: 1 })
    while (world.state.run?.steps[1]?.programmedAt === undefined) {
      world.pass()
      world.answerWorld()
      world.now += 1_000
    }
    world.verdict = 'failed'
    world.run()
    expect([shares(world), world.state.phase, world.primary?.revision]).toEqual([['100', '0'], 'Failed', 'v1'])
  })
})

describe('stepWeightPromotion', () => {
  test('traffic goes back to the promoted primary in steps, an interval each', () => {
    const world = releasedWorld({ stepWeight: 50, maxWeight: 50, mirror: false, stepWeightPromotion: 20 })
    expect(world.run()).toEqual(['Progressing', 'Promoting', 'Finalising', 'Succeeded'])
    expect(shares(world)).toEqual(['50', '30', '10', '0'])
    const steps = world.state.run?.steps ?? []
    expect(steps.map(({ kind, weight, outcome }) => [kind, weight, outcome])).toEqual([
      ['weight', 50, 'passed'],
      ['promotion', 30, 'passed'],
      ['promotion', 10, 'passed'],
      ['promotion', 0, 'passed'],
    ])
    for (const step of steps.slice(1, -1)) {
      const lasted = Date.parse(step.endedAt ?? '') - Date.parse(step.programmedAt ?? '')
      expect(lasted).toBeGreaterThanOrEqual(10_000)
    }
  })

  test.each([
    ['the new pods are of another revision', (world: ReleaseWorld) => world.release('v3'), 0],
    ['the new pods are gone', (world: ReleaseWorld) => world.losePods('target'), 0],
    ['the primary lost its pods', (world: ReleaseWorld) => world.losePods('primary'), 100],
  ])('nothing is moved in steps where %s', (_, happens, expected) => {
    const world = releasedWorld({ stepWeight: 50, maxWeight: 50, mirror: false, stepWeightPromotion: 20 })
    while (world.route.traffic?.canary !== 30) {
      world.pass()
      world.answerWorld()
      world.now += 5_000
    }
    happens(world)
    world.pass()
    expect([world.state.phase, world.route.traffic?.canary]).toEqual(['Finalising', expected])
    world.run()
    expect(world.state.phase).toBe('Succeeded')
  })

  test('a promotion without weights moves nothing in steps', () => {
    const world = initializedWorld(buildCanary({ analysis: { stepWeightPromotion: 20 }, spec: { skipAnalysis: true } }))
    world.release('v2')
    world.run()
    expect([world.state.phase, shares(world)]).toEqual(['Succeeded', []])
  })
})

test('sessionAffinity keeps users by revision while weights move, and no longer', () => {
  const world = releasedWorld({ sessionAffinity: { cookieName: 'seen' } })
  world.run()
  expect(routesOf(world).map(({ canary, mirror, session }) => [canary, mirror, session])).toEqual([
    [0, 100, undefined],
    [20, 0, 'v2'],
    [40, 0, 'v2'],
    [0, 0, undefined],
  ])
  expect(world.state.phase).toBe('Succeeded')
})
