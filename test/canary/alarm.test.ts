import { describe, expect, test } from 'vitest'
import type { MetricMemory, MetricVerdict } from '../../src/api/index.ts'
import { type CheckedMetric, decide, guardedRun, questionsFor } from '../../src/canary/index.ts'
import { buildCanary, buildVerdict } from '../support/canary-objects.ts'
import { initializedWorld, type ReleaseWorld } from '../support/release-world.ts'

/** A release at weight 20 that was acknowledged a second ago; its check is due in 59. */
function steppedWorld(analysis: object = {}): ReleaseWorld {
  const world = initializedWorld(
    buildCanary({ analysis: { mirror: false, interval: '60s', threshold: 3, ...analysis } }),
  )
  world.release('v2')
  for (let turn = 0; turn < 20 && world.state.run?.steps.at(-1)?.programmedAt === undefined; turn++) {
    world.pass()
    world.answerWorld()
  }
  world.now += 1_000
  return world
}

function decideOn(world: ReleaseWorld, verdicts: readonly CheckedMetric[]) {
  return decide(world.state, { ...world.observe(), answers: { alarm: { verdicts } } })
}

const verdict = (over: Partial<CheckedMetric>): CheckedMetric => ({
  ...buildVerdict('failed'),
  decision: 'rollback',
  guard: true,
  rule: 'analysis.guard.errorShare',
  ...over,
})

const memory: MetricMemory = { metric: 'request-success-rate', failedChecks: 0, consecutiveFailedChecks: 0 }
const states: readonly MetricVerdict['state'][] = ['passed', 'failed', 'inconclusive', 'no-data', 'provider-down']

describe('what is measured between two checks', () => {
  test('ends the run whatever the threshold, and is kept', () => {
    const world = steppedWorld()
    const { next, actions } = decideOn(world, [verdict({})])
    expect(next.run?.progress.ending).toMatchObject({ outcome: 'Failed', cause: { reason: 'MetricFailed' } })
    expect(actions).toContainEqual({ kind: 'route', traffic: { primary: 100, canary: 0, mirror: 0 } })
    expect(next.run?.steps.at(-1)?.verdicts).toMatchObject([{ guard: true, rule: 'analysis.guard.errorShare' }])
  })

  test.each(states)('changes nothing while it decides nothing: %s', (state) => {
    const world = steppedWorld()
    const { next, actions } = decideOn(world, [verdict({ state, decision: 'none' })])
    expect([next, actions]).toEqual([world.state, []])
  })

  test.each(['pass', 'fail', 'hold'] as const)('is no check, even if it says %s', (decision) => {
    const world = steppedWorld()
    const { next, actions } = decideOn(world, [verdict({ decision })])
    expect([next, actions]).toEqual([world.state, []])
  })

  test('adds to the evidence once, and the check stays due when it was', () => {
    const world = steppedWorld()
    const { next, actions } = decideOn(world, [verdict({ state: 'inconclusive', decision: 'none', memory })])
    const before = world.state.run?.progress
    expect(next.run?.progress).toEqual({ ...before, metrics: [memory] })
    expect(next.run?.steps.at(-1)?.verdicts).toHaveLength(1)
    expect(actions).toEqual([])
  })
})

describe('the question', () => {
  const askOf = (world: ReleaseWorld, run: string | undefined) =>
    questionsFor(world.state, { ...world.observe(), alarm: { run: run ?? '', since: world.now - 500 } })

  test('is asked of the run that is suspected, since when it is', () => {
    const world = steppedWorld()
    expect(askOf(world, world.state.run?.name)).toMatchObject([
      { kind: 'alarm', since: world.now - 500, windowEnd: world.now, canaryShare: 0.2 },
    ])
  })

  test('is asked while a step waits for its weight, too, without a window to compare in', () => {
    const world = steppedWorld()
    const { run } = world.state
    const steps = run?.steps.map((step) => ({ ...step, programmedAt: undefined })) ?? []
    const waiting = {
      ...world.state,
      run: run && { ...run, steps, progress: { ...run.progress, checkedAt: undefined } },
    }
    const observation = { ...world.observe(), alarm: { run: run?.name ?? '', since: world.now - 500 } }
    const [question] = questionsFor(waiting, observation)
    expect(question).toEqual({
      ...{ kind: 'alarm', id: '1970-01-01T00:00:00.000Z', since: world.now - 500, windowEnd: world.now },
      ...{ canaryShare: 0.2, memories: [] },
    })
    const { next } = decide(waiting, { ...world.observe(), answers: { alarm: { verdicts: [verdict({})] } } })
    expect(next.run?.progress.ending).toMatchObject({ outcome: 'Failed', cause: { reason: 'MetricFailed' } })
  })

  test('is not asked of another run, and goes beside a check that is due', () => {
    const world = steppedWorld()
    expect(askOf(world, 'web-0')).toEqual([])
    world.now += 60_000
    expect(askOf(world, world.state.run?.name).map(({ kind }) => kind)).toEqual(['check', 'alarm'])
  })
})

describe('a run is watched', () => {
  const sinceOf = (world: ReleaseWorld) => guardedRun(world.state, world)

  test('from its beginning, since no route leads to it before its first weight', () => {
    const world = steppedWorld()
    const { run } = world.state
    const programmedAt = Date.parse(run?.steps[0]?.programmedAt ?? '')
    expect(sinceOf(world)).toEqual({ run: 'web-1', since: run?.startedAt, programmedAt, memories: [] })
  })

  test('from its first weight where webhooks may have sent requests before', () => {
    const hook = { name: 'load', type: 'pre-rollout', url: 'http://load/' }
    const world = steppedWorld({ webhooks: [hook] })
    expect(sinceOf(world)?.since).toBe(Date.parse(world.state.run?.steps[0]?.programmedAt ?? ''))
  })

  test('no more once it is held or over', () => {
    const world = steppedWorld()
    world.canary = { ...world.canary, spec: { ...world.canary.spec, suspend: true } }
    expect(sinceOf(world)).toBeUndefined()
    const idle = initializedWorld(buildCanary())
    expect(sinceOf(idle)).toBeUndefined()
  })
})
