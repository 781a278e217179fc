import { expect, test } from 'vitest'
import { type Judgement, judge, type Measured, type ThresholdRange } from '../../../src/analysis/judge/threshold.ts'

const rows: readonly (readonly [string, Omit<Measured, 'title'>, ThresholdRange, Judgement])[] = [
  [
    'below the smallest value',
    { value: 500 / 7, unit: 'percent', evidence: '20 of 70 requests failed' },
    { min: 99 },
    { state: 'failed', message: 'it 71.4% is below 99% (20 of 70 requests failed)' },
  ],
  [
    'above the largest value',
    { value: 812.04, unit: 'milliseconds', evidence: '70 requests' },
    { max: 500 },
    { state: 'failed', message: 'it 812 ms is above 500 ms (70 requests)' },
  ],
  [
    'at the limit',
    { value: 99, evidence: '' },
    { min: 99, max: 99 },
    { state: 'passed', message: 'it 99 is within 99 and 99' },
  ],
  ['under the largest', { value: 0.5, evidence: '' }, { max: 1 }, { state: 'passed', message: 'it 0.5 is at most 1' }],
  [
    'a hair above',
    { value: 1.000004, evidence: '' },
    { max: 1 },
    { state: 'failed', message: 'it 1.000004 is above 1' },
  ],
  ['a hair above zero', { value: 1e-9, evidence: '' }, { max: 0 }, { state: 'failed', message: 'it 1e-9 is above 0' }],
  [
    'rounding of doubles',
    { value: 10.000000000000002, evidence: '' },
    { max: 10 },
    { state: 'passed', message: 'it 10 is at most 10' },
  ],
  ['zero is a value', { value: 0, evidence: '' }, { max: 1 }, { state: 'passed', message: 'it 0 is at most 1' }],
  ['no value', { evidence: 'no requests' }, { max: 1 }, { state: 'no-data', message: 'it is unknown: no requests' }],
  [
    'not a number',
    { value: Number.NaN, evidence: '' },
    { max: 1 },
    { state: 'no-data', message: 'it is NaN, which is no evidence' },
  ],
  [
    'infinite, although the limit is a smallest value',
    { value: Number.POSITIVE_INFINITY, evidence: '' },
    { min: 1 },
    { state: 'no-data', message: 'it is Infinity, which is no evidence' },
  ],
]

test.each(rows)('%s', (_, measured, range, expected) => {
  expect(judge({ title: 'it', ...measured }, range)).toEqual(expected)
})
