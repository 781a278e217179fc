import { expect, test } from 'vitest'
import { measuredWindow } from '../../src/analysis/window.ts'
import { failure, success } from '../../src/base/index.ts'

const window = { startMs: 10_000, endMs: 20_000 }
const counter = { scrapeMs: 1_000, flushMs: 0 }
const histogram = { scrapeMs: 1_000, flushMs: 1_000 }

test.each([
  ['a counter settles for one scrape', measuredWindow(window, counter), success({ startMs: 11_250, endMs: 20_000 })],
  ['a histogram for a flush more', measuredWindow(window, histogram), success({ startMs: 12_250, endMs: 20_000 })],
  [
    'rare scrapes take longer',
    measuredWindow(window, { ...counter, scrapeMs: 5_000 }),
    success({ startMs: 15_250, endMs: 20_000 }),
  ],
  [
    'the interval of the metric shortens it, and what is older has settled',
    measuredWindow(window, histogram, '5s'),
    success({ startMs: 15_000, endMs: 20_000 }),
  ],
  [
    'a longer interval changes nothing',
    measuredWindow(window, counter, '1m'),
    success({ startMs: 11_250, endMs: 20_000 }),
  ],
  [
    'what cannot settle is no window',
    measuredWindow({ startMs: 10_000, endMs: 11_250 }, counter),
    failure('it ends 1250ms after the weight was acknowledged, and scrapes need 1250ms to settle'),
  ],
  [
    'an interval must be a duration',
    measuredWindow(window, counter, 'soon'),
    failure('"soon" is not a duration such as "30s" or "1m30s"'),
  ],
])('%s', (_, actual, expected) => {
  expect(actual).toEqual(expected)
})
