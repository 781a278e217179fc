import { describe, expect, test } from 'vitest'
import { decideOn } from '../../../src/analysis/judge/decision.ts'
import type { Opinion } from '../../../src/analysis/judge/opinion.ts'
import { type Metric, metricSchema } from '../../../src/api/index.ts'

const metric = (over: object = {}): Metric =>
  metricSchema.parse({ name: 'request-success-rate', thresholdRange: { min: 99 }, comparison: {}, ...over })

const say = (state: Opinion['state'], rule = 'thresholdRange'): Opinion => ({
  state,
  rule,
  message: `${rule} ${state}`,
})

describe('one opinion', () => {
  const rows: readonly (readonly [string, object, Opinion, string])[] = [
    ['a pass passes', {}, say('passed'), 'pass'],
    ['a value out of its range is a failed check', {}, say('failed'), 'fail'],
    ['proof of harm is no mere check', {}, say('failed', 'comparison.alpha'), 'rollback'],
    ['nor is a ceiling', {}, say('failed', 'limits.errorShare'), 'rollback'],
    ['no data holds', {}, say('no-data'), 'hold'],
    ['a refused query holds', {}, say('query-error'), 'hold'],
    ['a server that is away holds', {}, say('provider-down'), 'hold'],
    ['no data by policy', { onNoData: 'fail' }, say('no-data'), 'fail'],
    ['a refused query by policy', { onQueryError: 'pass' }, say('query-error'), 'pass'],
    ['a server that is away by policy', { onProviderDown: 'fail' }, say('provider-down'), 'fail'],
    ['each policy is for its own state', { onNoData: 'pass', onQueryError: 'pass' }, say('provider-down'), 'hold'],
    ['doubt holds, whatever its policy', { comparison: { inconclusive: 'pass' } }, say('inconclusive', 'x'), 'hold'],
    [
      'doubt that lasts',
      { comparison: { inconclusive: 'pass' } },
      say('inconclusive', 'comparison.maxExtension'),
      'pass',
    ],
    ['doubt that lasts, by default', {}, say('inconclusive', 'comparison.maxExtension'), 'hold'],
    ['a dry run decides nothing', { dryRun: true }, say('failed', 'comparison.alpha'), 'none'],
  ]
  test.each(rows)('%s', (_, over, opinion, decision) => {
    expect(decideOn(metric(over), [opinion])).toMatchObject({ ...opinion, decision })
  })
})

describe('several opinions', () => {
  test('the most cautious one speaks', () => {
    const opinions = [say('passed', 'a'), say('inconclusive', 'b'), say('failed', 'c')]
    expect(decideOn(metric(), opinions)).toMatchObject({
      state: 'failed',
      rule: 'c',
      message: 'c failed',
      decision: 'fail',
    })
  })

  test('a policy that passes what is missing does not outvote a doubt', () => {
    const opinions = [say('no-data', 'onNoData'), say('inconclusive', 'comparison.minRequests')]
    expect(decideOn(metric({ onNoData: 'pass' }), opinions)).toMatchObject({
      rule: 'comparison.minRequests',
      decision: 'hold',
    })
  })

  test('those that say the same are all named', () => {
    expect(decideOn(metric(), [say('passed', 'a'), say('passed', 'b')]).message).toBe('a passed; b passed')
  })
})

describe('limits on failed checks', () => {
  const play = (over: object, states: readonly Opinion['state'][]) => {
    let counts = { failedChecks: 0, consecutiveFailedChecks: 0 }
    return states.map((state) => {
      const { decision, rule, failedChecks, consecutiveFailedChecks } = decideOn(metric(over), [say(state)], counts)
      counts = { failedChecks, consecutiveFailedChecks }
      return decision === 'rollback' ? rule : decision
    })
  }

  test('in all', () => {
    const states = ['failed', 'passed', 'failed', 'no-data', 'failed'] as const
    expect(play({ failureLimit: 2 }, states)).toEqual(['fail', 'pass', 'fail', 'hold', 'failureLimit'])
  })

  test('in a row: a pass begins anew, a missing verdict does not', () => {
    const states = ['failed', 'passed', 'failed', 'no-data', 'failed'] as const
    const expected = ['fail', 'pass', 'fail', 'hold', 'consecutiveFailureLimit']
    expect(play({ consecutiveFailureLimit: 1 }, states)).toEqual(expected)
  })

  test('none are allowed at 0', () => {
    expect(play({ failureLimit: 0 }, ['failed'])).toEqual(['failureLimit'])
  })
})
