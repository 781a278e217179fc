import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDuration, renderDuration } from '../../src/base/index.ts'

describe('a duration in Go’s syntax', () => {
  const readable: readonly [string, number][] = [
    ['500ms', 500],
    ['1.5s', 1_500],
    ['30s', 30_000],
    ['1m30s', 90_000],
    ['1h30m', 5_400_000],
    ['0s', 0],
  ]
  test.each(readable)('%s is %d ms', (text, value) => {
    expect(parseDuration(text)).toEqual({ ok: true, value })
  })

  test.each(['', '30', 's', '-1s', '1d', '1 s', '1s ', '1.s', '1s2'])(
    '"%s" is none, and the error says what is',
    (text) => {
      expect(parseDuration(text)).toEqual({ ok: false, error: `"${text}" is not a duration such as "30s" or "1m30s"` })
    },
  )

  test('written whole seconds below an hour are read back as they were', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_599 }), (seconds) => {
        expect(parseDuration(renderDuration(seconds * 1_000))).toEqual({ ok: true, value: seconds * 1_000 })
      }),
    )
  })

  const written: readonly [number, string][] = [
    [12, '12ms'],
    [1_540, '1.5s'],
    [59_949, '59.9s'],
    [3_600_000, '1h'],
    [5_460_000, '1h31m'],
  ]
  test.each(written)('%d ms is written %s', (value, text) => {
    expect(renderDuration(value)).toBe(text)
  })
})
