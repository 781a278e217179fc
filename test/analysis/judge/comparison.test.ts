import { expect, test } from 'vitest'
import { judgeComparison } from '../../../src/analysis/judge/comparison.ts'
import { addWindow, type Evidence, noEvidence } from '../../../src/analysis/statistics/evidence.ts'
import { type Comparison, metricSchema } from '../../../src/api/index.ts'

const settingsOf = (over: object): Comparison => {
  const { comparison } = metricSchema.parse({ name: 'request-success-rate', comparison: over })
  if (comparison === undefined) throw new Error('it has a comparison')
  return comparison
}

/** Canary and primary, requests and failures, in each of so many equal windows of ten seconds. */
function evidenceOf(windows: number, canary: readonly [number, number], primary: readonly [number, number]): Evidence {
  const armOf = ([requests, failures]: readonly [number, number]) => ({ requests, failures })
  let evidence = noEvidence(settingsOf({}))
  for (let index = 0; index < windows; index++) {
    const times = { startMs: 10_000 * index, endMs: 10_000 * (index + 1), stepStartMs: 0 }
    evidence = addWindow(evidence, { canary: armOf(canary), primary: armOf(primary), ...times })
  }
  return evidence
}

const rows: readonly (readonly [string, object, Evidence, { state: string; rule: string; message: RegExp }])[] = [
  [
    'enough requests without a sign of harm pass',
    {},
    evidenceOf(1, [60, 0], [240, 1]),
    { state: 'passed', rule: 'comparison.minRequests', message: /^0 of 60 \(0%\) failed, 1 of 240 .*no sign of harm/ },
  ],
  [
    'proof of safety passes',
    {},
    evidenceOf(20, [200, 0], [800, 16]),
    {
      state: 'passed',
      rule: 'comparison.margin',
      message: /: not worse than 1.25 times the primary's share plus 0.2%/,
    },
  ],
  [
    'proof of safety needs no least number of requests',
    { minRequests: 1_000_000 },
    evidenceOf(20, [200, 0], [800, 16]),
    { state: 'passed', rule: 'comparison.margin', message: /not worse/ },
  ],
  [
    'but the least duration of the step',
    { minDuration: '5m' },
    evidenceOf(20, [200, 0], [800, 16]),
    { state: 'inconclusive', rule: 'comparison.minDuration', message: /: the step lasts at least 5m$/ },
  ],
  [
    'too few requests are inconclusive',
    {},
    evidenceOf(1, [10, 0], [40, 0]),
    { state: 'inconclusive', rule: 'comparison.minRequests', message: /: 10 requests of this step, 50 are needed$/ },
  ],
  [
    'so are too few of the primary',
    {},
    evidenceOf(1, [100, 0], [4, 0]),
    { state: 'inconclusive', rule: 'comparison.minRequests', message: /: 4 requests of the primary, 50 are needed$/ },
  ],
  [
    'signs of harm hold, however many requests',
    {},
    evidenceOf(1, [100, 30], [400, 0]),
    { state: 'inconclusive', rule: 'comparison.alpha', message: /: signs of harm, short of proof$/ },
  ],
  [
    'after the extension the policy is asked',
    { maxExtension: '30s' },
    evidenceOf(3, [2, 0], [8, 0]),
    {
      state: 'inconclusive',
      rule: 'comparison.maxExtension',
      message: /: not settled within 30s: 6 requests of this step, 50 are needed$/,
    },
  ],
  [
    'proof of harm fails',
    {},
    evidenceOf(3, [100, 30], [400, 0]),
    {
      state: 'failed',
      rule: 'comparison.alpha',
      message: /: worse than 1.25 times .* \(e-value 20.1, proof from 20\)$/,
    },
  ],
  [
    'no requests, no verdict',
    {},
    evidenceOf(1, [0, 0], [400, 0]),
    { state: 'no-data', rule: 'comparison', message: /^no requests to compare in this step$/ },
  ],
]

test.each(rows)('%s', (_, over, evidence, { message, ...expected }) => {
  const input = { settings: settingsOf(over), comparisons: 1, failing: 'failed', nowMs: evidence.lastWindowEndMs }
  expect(judgeComparison({ ...input, evidence })).toEqual({ ...expected, message: expect.stringMatching(message) })
})

test('proof, once found, is not unfound by better windows', () => {
  const harmed = evidenceOf(3, [100, 30], [400, 0])
  const later = { canary: { requests: 1e5, failures: 0 }, primary: { requests: 4e5, failures: 400 } }
  const evidence = addWindow(harmed, { ...later, startMs: 30_000, endMs: 40_000, stepStartMs: 0 })
  const input = { evidence, settings: settingsOf({}), comparisons: 1, failing: 'failed', nowMs: 40_000 }
  expect(judgeComparison(input)).toMatchObject({ state: 'failed', rule: 'comparison.alpha' })
})

test('several comparisons split alpha: the same evidence proves less', () => {
  const evidence = evidenceOf(3, [100, 30], [400, 0])
  const input = { evidence, settings: settingsOf({}), failing: 'failed', nowMs: 30_000 }
  expect(judgeComparison({ ...input, comparisons: 2 })).toMatchObject({ state: 'inconclusive' })
})
