import { describe, expect, test } from 'vitest'
import { abortAnnotation, promoteAnnotation } from '../../src/api/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { initializedWorld, ReleaseWorld } from '../support/release-world.ts'

const reasonsOf = (world: ReleaseWorld) => world.notes.map(({ reason }) => reason)
const outcomeOf = (world: ReleaseWorld) => ({
  phase: world.state.phase,
  weight: world.route.traffic?.canary,
  replicas: world.target?.replicas,
  primary: world.primary?.revision,
  run: world.state.run?.outcome,
  reason: world.state.run?.cause.reason,
})

describe('a release from end to end', () => {
  test('the first deploy only initialises', () => {
    const world = new ReleaseWorld(buildCanary())
    expect(world.run()).toEqual(['Initializing', 'Initialized'])
    expect(outcomeOf(world)).toEqual({
      phase: 'Initialized',
      weight: 0,
      replicas: 0,
      primary: 'v1',
      run: undefined,
      reason: undefined,
    })
    expect(world.performed.map(({ kind }) => kind)).toEqual([
      'create-primary',
      'apply-services',
      'apply-services',
      'route',
      'scale-target',
    ])
  })

  test('a good version is mirrored, weighted and promoted', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    expect(world.run()).toEqual(['Progressing', 'Promoting', 'Finalising', 'Succeeded'])
    expect(world.weights).toEqual([0, 20, 40, 0])
    expect(
      world.state.run?.steps.map(({ kind, weight, mirrorWeight, outcome }) => [kind, weight, mirrorWeight, outcome]),
    ).toEqual([
      ['mirror', 0, 100, 'passed'],
      ['weight', 20, 0, 'passed'],
      ['weight', 40, 0, 'passed'],
    ])
    expect(outcomeOf(world)).toEqual({
      phase: 'Succeeded',
      weight: 0,
      replicas: 0,
      primary: 'v2',
      run: 'Succeeded',
      reason: 'Succeeded',
    })
  })

  test('a version whose checks fail is taken back at the threshold, with its numbers', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    world.verdict = 'failed'
    world.run()
    expect(outcomeOf(world)).toEqual({
      phase: 'Failed',
      weight: 0,
      replicas: 0,
      primary: 'v1',
      run: 'Failed',
      reason: 'ThresholdReached',
    })
    expect(world.state.run?.cause.message).toBe('success rate is failed (failed check 2 of 2)')
    expect(reasonsOf(world)).toEqual(['NewRevision', 'WeightChanged', 'CheckFailed', 'ThresholdReached'])
  })

  for (const missing of ['no-data', 'query-error', 'provider-down'] as const) {
    test(`${missing} holds the weight and ends the run after the deadline`, () => {
      const world = initializedWorld(buildCanary())
      world.release('v2')
      world.verdict = missing
      world.run()
      expect(world.weights).toEqual([0, 0])
      expect(world.state.run?.progress.failedChecks).toBe(0)
      expect(outcomeOf(world)).toMatchObject({ phase: 'Failed', run: 'Failed', reason: 'NoVerdictInTime' })
    })
  }

  test('a version that never gets ready is taken back after the deadline without any traffic', () => {
    const world = initializedWorld(buildCanary())
    world.target?.brokenRevisions.add('v2')
    world.release('v2')
    world.run()
    expect(world.weights).toEqual([])
    expect(outcomeOf(world)).toMatchObject({ phase: 'Failed', reason: 'ProgressDeadlineExceeded', replicas: 0 })
  })

  test('what a version is waited for is said once it takes a while', () => {
    const world = initializedWorld(buildCanary())
    world.target?.brokenRevisions.add('v2')
    world.release('v2')
    const reasons = [0, 0, 14_999, 1].map((milliseconds) => {
      world.now += milliseconds
      world.pass()
      return world.state.cause.reason
    })
    expect(reasons).toEqual(['NewRevision', 'NewRevision', 'NewRevision', 'Progressing'])
    expect(world.canary.status?.message).toBe('waiting for web:v2 (v2) to be ready')
  })

  test('what came after a failure gets its own run', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    world.verdict = 'failed'
    world.run()
    world.verdict = 'passed'
    world.release('v3')
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded', primary: 'v3', run: 'Succeeded' })
    expect([...world.runs.keys()]).toEqual(['web-1', 'web-2'])
    expect(world.state.history).toHaveLength(2)
  })

  test('a version that failed is tried again after a revert', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    world.verdict = 'failed'
    world.run()
    world.release('v1')
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Initialized', primary: 'v1' })
    world.verdict = 'passed'
    world.release('v2')
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded', primary: 'v2' })
  })

  test('ten runs are kept', () => {
    const world = initializedWorld(buildCanary({ spec: { skipAnalysis: true } }))
    for (let number = 2; number <= 14; number++) {
      world.release(`v${number}`)
      world.run()
    }
    expect([...world.runs.keys()]).toEqual(Array.from({ length: 10 }, (_, index) => `web-${index + 4}`))
  })
})

/** Goes on until a weight was written. */
function runToWeight(world: ReleaseWorld, weight: number): void {
  for (let turn = 0; turn < 100 && world.route.traffic?.canary !== weight; turn++) {
    world.pass()
    world.answerWorld()
    world.now += 1_000
  }
  world.pass()
}

describe('what happens in the middle of a run', () => {
  test('a newer revision takes weight 0 first and gets its own run', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    runToWeight(world, 20)
    world.release('v3')
    world.weights.length = 0
    world.run()
    expect(world.weights).toEqual([0, 0, 20, 40, 0])
    expect([...world.runs.values()].map((run) => [run.spec.revision, run.status?.phase, run.status?.reason])).toEqual([
      ['v2', 'Superseded', 'Superseded'],
      ['v3', 'Succeeded', 'Succeeded'],
    ])
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded', primary: 'v3' })
  })

  test('a revert aborts to stable', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    runToWeight(world, 20)
    world.release('v1')
    world.run()
    expect(outcomeOf(world)).toEqual({
      phase: 'Initialized',
      weight: 0,
      replicas: 0,
      primary: 'v1',
      run: 'Superseded',
      reason: 'Reverted',
    })
  })

  test('an abort for this revision takes it back, and the annotation goes', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    runToWeight(world, 20)
    world.annotate(abortAnnotation, 'v2')
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Failed', reason: 'Aborted', weight: 0, replicas: 0 })
    expect(world.canary.metadata.annotations).toEqual({})
  })

  test('an abort for another revision is none', () => {
    const world = initializedWorld(buildCanary())
    world.annotate(abortAnnotation, 'v7')
    world.release('v2')
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded', primary: 'v2' })
  })

  test('an operator may promote at once', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    runToWeight(world, 20)
    world.verdict = 'no-data'
    world.annotate(promoteAnnotation, 'v2')
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded', primary: 'v2' })
  })

  test('somebody who lowers the weight by hand stops the run', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    runToWeight(world, 20)
    world.route = { traffic: { primary: 100, canary: 0, mirror: 0 }, isProgrammed: true }
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Failed', reason: 'TrafficLowered', weight: 0 })
  })

  test('somebody who raises the weight by hand is corrected', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    runToWeight(world, 20)
    world.route = { traffic: { primary: 10, canary: 90, mirror: 0 }, isProgrammed: true }
    world.pass()
    expect(world.route.traffic).toEqual({ primary: 80, canary: 20, mirror: 0 })
  })

  test('a canary that loses every pod gives its traffic back at once', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    runToWeight(world, 20)
    if (world.target) Object.assign(world.target, { readyReplicas: 0, newPodsReady: false })
    world.pass()
    expect(world.route.traffic?.canary).toBe(0)
    expect(world.state.run?.progress.ending?.cause.reason).toBe('CanaryNotReady')
  })

  test('suspension stands still, deadlines included', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    runToWeight(world, 20)
    const suspended = (suspend: boolean) => {
      world.canary = { ...world.canary, spec: { ...world.canary.spec, suspend } }
    }
    suspended(true)
    world.verdict = 'failed'
    world.pass()
    const { weights } = world
    const before = weights.length
    world.now += 3_600_000
    world.pass()
    expect(weights).toHaveLength(before)
    expect(world.canary.status?.conditions?.find(({ type }) => type === 'Ready')?.reason).toBe('Suspended')
    suspended(false)
    world.verdict = 'passed'
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded', primary: 'v2' })
  })
})

describe('gates', () => {
  const webhook = (type: string) => ({ name: type, type, url: 'http://gate/' })

  test('confirm-rollout holds the run before anything moves', () => {
    const world = initializedWorld(buildCanary({ analysis: { webhooks: [webhook('confirm-rollout')] } }))
    world.gates = { 'confirm-rollout': false }
    world.release('v2')
    world.run(20)
    expect(outcomeOf(world)).toMatchObject({ phase: 'Waiting', weight: 0, replicas: 0, run: 'Running' })
    expect(reasonsOf(world)).toEqual(['NewRevision', 'WaitingForRollout'])
    world.gates = {}
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded' })
  })

  test('pre-rollout failures count toward the threshold', () => {
    const world = initializedWorld(buildCanary({ analysis: { webhooks: [webhook('pre-rollout')] } }))
    world.gates = { 'pre-rollout': false }
    world.release('v2')
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Failed', reason: 'ThresholdReached' })
    expect(world.weights).toEqual([])
  })

  test('confirm-promotion holds the last weight while the analysis goes on', () => {
    const world = initializedWorld(buildCanary({ analysis: { webhooks: [webhook('confirm-promotion')] } }))
    world.gates = { 'confirm-promotion': false }
    world.release('v2')
    world.run(60)
    expect(outcomeOf(world)).toMatchObject({ phase: 'WaitingPromotion', weight: 40, primary: 'v1' })
    expect(reasonsOf(world).filter((reason) => reason === 'WaitingForPromotion')).toHaveLength(1)
    world.verdict = 'failed'
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Failed', weight: 0, primary: 'v1', reason: 'ThresholdReached' })
  })

  test('confirm-promotion lets it pass when it says yes', () => {
    const world = initializedWorld(buildCanary({ analysis: { webhooks: [webhook('confirm-promotion')] } }))
    world.release('v2')
    expect(world.run()).toEqual(['Progressing', 'WaitingPromotion', 'Promoting', 'Finalising', 'Succeeded'])
  })
})

describe('from promotion on traffic stays on ready pods', () => {
  function failedPromotion(): ReleaseWorld {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    world.primary?.brokenRevisions.add('v2')
    world.run()
    return world
  }

  test('a primary that does not get ready leaves traffic and canary as they are', () => {
    expect(outcomeOf(failedPromotion())).toEqual({
      phase: 'Failed',
      weight: 40,
      replicas: 2,
      primary: 'v2',
      run: 'Failed',
      reason: 'PromotionFailed',
    })
  })

  test('a primary without any ready pod gives all of it to the canary', () => {
    const world = failedPromotion()
    if (world.primary) world.primary.readyReplicas = 0
    world.pass()
    expect(world.route.traffic).toEqual({ primary: 0, canary: 100, mirror: 0 })
  })

  test('a primary that gets ready after all is finalised', () => {
    const world = failedPromotion()
    world.primary?.brokenRevisions.clear()
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded', weight: 0, replicas: 0, primary: 'v2' })
  })

  test('the fix is released from there, though the primary has no ready pod', () => {
    const world = failedPromotion()
    if (world.primary) world.primary.readyReplicas = 0
    world.run()
    world.release('v3')
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded', weight: 0, replicas: 0, primary: 'v3' })
  })

  test('a newer revision during promotion lets the primary finish and is released after', () => {
    const world = initializedWorld(buildCanary())
    world.release('v2')
    world.primary?.brokenRevisions.add('v2')
    for (let turn = 0; turn < 100 && world.primary?.revision !== 'v2'; turn++) {
      world.pass()
      world.answerWorld()
      world.now += 1_000
    }
    world.release('v3')
    world.pass()
    expect(world.route.traffic).toEqual({ primary: 100, canary: 0, mirror: 0 })
    world.primary?.brokenRevisions.clear()
    world.run()
    expect(outcomeOf(world)).toMatchObject({ phase: 'Succeeded', primary: 'v3' })
    expect([...world.runs.values()].map((run) => run.status?.phase)).toEqual(['Succeeded', 'Succeeded'])
  })
})
