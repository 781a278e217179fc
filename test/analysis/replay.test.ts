import { describe, expect, test } from 'vitest'
import { replayRun } from '../../src/analysis/index.ts'
import { canarySpecSchema, type MetricVerdict } from '../../src/api/index.ts'
import { renderReplay } from '../../src/cli/commands/replay.ts'
import { at, runOf, verdict } from '../support/recorded-run.ts'

const specWith = (metric: object, threshold = 1) =>
  canarySpecSchema.parse({
    targetRef: { kind: 'Deployment', name: 'web' },
    service: { port: 80 },
    analysis: { stepWeight: 20, threshold, metrics: [{ name: 'request-success-rate', ...metric }] },
  })

const failing = runOf([10, 20, 30, 40].map((second) => verdict(second, [100, 8], [400, 0])))

describe('a recorded run under other settings', () => {
  test('the same limits come to the same end', () => {
    const { checks, rollback } = replayRun(failing, specWith({ thresholdRange: { min: 90 } }))
    expect(rollback).toBeUndefined()
    expect(checks.map(({ replayed }) => replayed.decision)).toEqual(['pass', 'pass', 'pass', 'pass'])
  })

  test('a stricter limit fails at the check that reaches the threshold', () => {
    const { rollback } = replayRun(failing, specWith({ thresholdRange: { min: 95 } }, 3))
    expect([rollback?.failedChecks, rollback?.check.recorded.windowEnd]).toEqual([3, at(30)])
  })

  test('a comparison is judged on the recorded counts, window by window', () => {
    const { checks, rollback } = replayRun(failing, specWith({ comparison: {} }))
    expect(checks.map(({ replayed }) => replayed.decision)).toEqual(['hold', 'hold', 'rollback'])
    expect(rollback?.check.recorded.windowEnd).toBe(at(30))
    expect(rollback?.check.replayed).toMatchObject({ decision: 'rollback', rule: 'comparison.alpha' })
    const tolerant = replayRun(failing, specWith({ comparison: { margin: 0.1 } }))
    expect(tolerant.rollback).toBeUndefined()
  })

  test('a ceiling is held against every window', () => {
    const { rollback } = replayRun(failing, specWith({ limits: { errorShare: 0.02 } }))
    expect(rollback?.check.replayed).toMatchObject({ rule: 'limits.errorShare', decision: 'rollback' })
    expect(replayRun(failing, specWith({ limits: { errorShare: 0.5 } })).checks[0]?.replayed.decision).toBe('pass')
  })

  test('what was not recorded cannot be compared, and says so', () => {
    const { comparison: _, ...alone } = verdict(10, [100, 0], [400, 0])
    const { checks } = replayRun(runOf([alone]), specWith({ comparison: {} }))
    expect(checks[0]?.replayed).toMatchObject({
      state: 'no-data',
      decision: 'hold',
      message: 'what the primary did is not on record',
    })
  })

  test('metrics of one check are one failed check, and those that are gone judge nothing', () => {
    const [first, second] = [10, 20].map((each) => verdict(each, [100, 8], [400, 0]))
    if (first === undefined || second === undefined) throw new Error('there are two')
    const other = (each: MetricVerdict): MetricVerdict => ({ ...each, metric: 'request-duration' })
    const run = runOf([first, other(first), second, other(second)])
    const { checks, rollback } = replayRun(run, specWith({ thresholdRange: { min: 95 } }, 2))
    expect([checks.length, rollback?.failedChecks]).toEqual([2, 2])
  })

  test('the report names the check, the numbers and the end', () => {
    const text = renderReplay(failing, replayRun(failing, specWith({ thresholdRange: { min: 95 } }, 2)))
    expect(text).toContain(`${at(20)}   20%      request-success-rate   pass       fail`)
    expect(text).toContain(
      `The run web-3 is Succeeded. It would have been rolled back at ${at(20)}, weight 20%, failed check 2: request-success-rate 92% is below 95%`,
    )
    const none = renderReplay(failing, replayRun(failing, specWith({ thresholdRange: { min: 50 } })))
    expect(none).toContain('None of its recorded checks would have rolled it back')
  })
})
