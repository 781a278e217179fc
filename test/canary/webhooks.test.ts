import { describe, expect, test } from 'vitest'
import { questionsFor } from '../../src/canary/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { initializedWorld, type ReleaseWorld } from '../support/release-world.ts'

const hook = (type: string, more: object = {}) => ({ name: type, type, url: 'http://gate/', ...more })

function releasedWorld(...webhooks: readonly object[]): ReleaseWorld {
  const world = initializedWorld(buildCanary({ analysis: { webhooks, mirror: false } }))
  world.release('v2')
  return world
}

const standing = (world: ReleaseWorld) => [world.state.phase, world.route.traffic?.canary, world.state.cause.reason]
const alerts = (world: ReleaseWorld) => world.notes.filter(({ isAlert }) => isAlert).map(({ reason }) => reason)

describe('confirm-traffic-increase', () => {
  test('holds each rise of the weight, the first one too, while the analysis goes on', () => {
    const world = releasedWorld(hook('confirm-traffic-increase'))
    world.gates = { 'confirm-traffic-increase': false }
    world.run(40)
    expect([standing(world), world.weights]).toEqual([['Progressing', 0, 'WaitingForTrafficIncrease'], []])
    world.gates = {}
    while (world.route.traffic?.canary !== 20) {
      world.pass()
      world.answerWorld()
      world.now += 2_000
    }
    world.gates = { 'confirm-traffic-increase': false }
    world.run(60)
    const checks = world.state.run?.steps[0]?.verdicts.length ?? 0
    expect([standing(world), checks > 3]).toEqual([['Progressing', 20, 'WaitingForTrafficIncrease'], true])
    expect(alerts(world)).toEqual(['NewRevision', 'WaitingForTrafficIncrease', 'WaitingForTrafficIncrease'])
    world.gates = {}
    expect(world.run()).toContain('Succeeded')
    expect(world.weights).toEqual([20, 40, 0])
  })

  test('a check that fails meanwhile still rolls back', () => {
    const world = releasedWorld(hook('confirm-traffic-increase'))
    while (world.route.traffic?.canary !== 20) {
      world.pass()
      world.answerWorld()
      world.now += 2_000
    }
    world.gates = { 'confirm-traffic-increase': false }
    world.run(20)
    world.verdict = 'failed'
    world.run(60)
    expect(standing(world)).toEqual(['Failed', 0, 'ThresholdReached'])
  })

  test('a gate that opens while the last check did not pass raises nothing', () => {
    const world = releasedWorld(hook('confirm-traffic-increase'))
    while (world.route.traffic?.canary !== 20) {
      world.pass()
      world.answerWorld()
      world.now += 2_000
    }
    world.gates = { 'confirm-traffic-increase': false }
    world.run(20)
    world.verdict = 'no-data'
    world.now += 10_000
    world.pass()
    world.gates = {}
    world.run(8)
    expect(world.route.traffic?.canary).toBe(20)
  })
})

describe('rollback', () => {
  test.each(['Waiting', 'Progressing', 'WaitingPromotion'] as const)('ends a run in phase %s', (phase) => {
    const world = releasedWorld(hook('confirm-rollout'), hook('confirm-promotion'), hook('rollback'))
    world.gates = { 'confirm-rollout': phase !== 'Waiting', 'confirm-promotion': false }
    for (let turn = 0; turn < 400 && world.state.phase !== phase; turn++) {
      world.pass()
      world.answerWorld()
      world.now += 1_000
    }
    expect(world.state.phase).toBe(phase)
    world.gates = { ...world.gates, rollback: true }
    world.run()
    expect(standing(world)).toEqual(['Failed', 0, 'RollbackRequested'])
    expect([world.primary?.revision, world.target?.replicas]).toEqual(['v1', 0])
  })

  test('is asked each interval, and not any more once the promotion has begun', () => {
    const world = releasedWorld(hook('rollback'))
    const asked: number[] = []
    for (let turn = 0; turn < 400 && world.state.phase !== 'Succeeded'; turn++) {
      if (questionsFor(world.state, world.observe()).some(({ kind }) => kind === 'rollback')) {
        asked.push(world.now)
        expect(world.state.phase).toBe('Progressing')
      }
      world.pass()
      world.answerWorld()
      world.now += 1_000
    }
    const waits = asked.slice(1).map((time, index) => time - (asked[index] ?? 0))
    expect([asked.length > 1, waits.every((wait) => wait >= 10_000)]).toEqual([true, true])
  })
})

describe('post-rollout', () => {
  test.each(['passed', 'failed'] as const)('is called once after a run whose checks %s', (verdict) => {
    const world = releasedWorld(hook('post-rollout'))
    world.verdict = verdict
    world.gates = { 'post-rollout': false }
    world.run()
    const { phase } = world.state
    expect(world.notes.filter(({ reason }) => reason === 'HookFailed').map(({ message }) => message)).toEqual([
      'post-rollout says no',
    ])
    expect([phase, world.state.run?.progress.farewellDue]).toEqual([
      verdict === 'passed' ? 'Succeeded' : 'Failed',
      undefined,
    ])
    expect(questionsFor(world.state, world.observe())).toEqual([])
  })

  test('does not hold a newer revision', () => {
    const world = releasedWorld(hook('post-rollout'))
    while (world.state.run?.outcome !== 'Succeeded') {
      world.pass()
      world.answerWorld()
      world.now += 2_000
    }
    world.release('v3')
    world.pass()
    world.pass()
    expect([world.state.run?.revision, world.state.run?.outcome]).toEqual(['v3', 'Running'])
  })
})

test.each([
  [false, ['NewRevision', 'WaitingForRollout']],
  [true, ['NewRevision']],
])('a gate with muteAlert: %s', (muteAlert, expected) => {
  const world = releasedWorld(hook('confirm-rollout', { muteAlert }))
  const observation = world.observe()
  world.gates = { 'confirm-rollout': false }
  world.isMuted = muteAlert
  expect(observation.canary.spec.analysis.webhooks?.[0]?.muteAlert).toBe(muteAlert)
  world.run(5)
  expect(alerts(world)).toEqual(expected)
})
