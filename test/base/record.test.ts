import { expect, test } from 'vitest'
import { isRecord } from '../../src/base/index.ts'

test.each([
  [{}, true],
  [{ kind: 'Canary' }, true],
  [[], false],
  [null, false],
  [undefined, false],
  ['text', false],
  [1, false],
  [() => 1, false],
])('%j is an object with fields: %s', (value, expected) => {
  expect(isRecord(value)).toBe(expected)
})
