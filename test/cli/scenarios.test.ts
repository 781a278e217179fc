import { describe, expect, test } from 'vitest'
import { renderReport } from '../../src/cli/demo/report.ts'
import { judge, type ScenarioOutcome, scenarios } from '../../src/cli/demo/scenarios.ts'

const scenario = (name: string) => {
  const found = scenarios.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no scenario ${name}`)
  return found
}

const outcome = (overrides: Partial<Omit<ScenarioOutcome, 'broken'>> = {}): Omit<ScenarioOutcome, 'broken'> => ({
  name: 'good',
  version: '2.0.0',
  phase: 'Succeeded',
  reason: 'promoted',
  failedMetric: '',
  seconds: 20,
  mirrored: 300,
  mirroredOf: 300,
  requestsToNewVersion: 500,
  userErrors: 0,
  ...overrides,
})

describe('the demo breaks its promise when', () => {
  const rows: readonly [string, string, Partial<ScenarioOutcome>, readonly string[]][] = [
    ['nothing went wrong: it does not', 'good', {}, []],
    ['a good release is rolled back', 'good', { phase: 'Failed' }, ['the phase is Failed, not Succeeded']],
    ['a user saw an error of a good release', 'good', { userErrors: 1 }, ['users saw 1 errors']],
    [
      'nobody had the promoted version',
      'good',
      { requestsToNewVersion: 0 },
      ['users had 0 answers of the new version'],
    ],
    ['more than 1 % was not mirrored', 'good', { mirrored: 296 }, ['296 of 300 pages were mirrored']],
    ['nothing was mirrored', 'good', { mirrored: 0, mirroredOf: 0 }, ['no mirrored request was seen']],
    [
      'a bad version is promoted',
      'errors',
      { phase: 'Succeeded', failedMetric: 'request-success-rate' },
      ['the phase is Succeeded, not Failed'],
    ],
    [
      'another metric failed',
      'slow',
      { phase: 'Failed', failedMetric: 'request-success-rate' },
      ['the metric that failed is request-success-rate, not request-duration'],
    ],
    [
      'a user had an answer of a version that failed on mirrored traffic',
      'mirrored-errors',
      { phase: 'Failed', failedMetric: 'request-success-rate' },
      ['users had 500 answers of the new version'],
    ],
  ]
  test.each(rows)('%s', (_title, name, overrides, broken) => {
    expect(judge(scenario(name), outcome(overrides))).toEqual(broken)
  })
})

test('the report names each release and each broken promise', () => {
  const text = renderReport({
    schemaVersion: 1,
    ok: false,
    seconds: 61.2,
    scenarios: [{ ...outcome({ userErrors: 2 }), broken: ['users saw 2 errors'] }],
  })
  expect(text).toBe(
    [
      '',
      'RELEASE      VERDICT    TIME    MIRRORED     FROM NEW VERSION   USER ERRORS   REASON',
      '2.0.0 good   promoted   20.0s   300 of 300   500                2             promoted',
      '',
      'BROKEN  2.0.0 good: users saw 2 errors',
      '1 promises were broken.',
    ].join('\n'),
  )
})
