import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, isSameJson } from '../../src/base/index.ts'

const scalar = fc.oneof(fc.constant(undefined), fc.constant(null), fc.integer({ min: 0, max: 1 }), fc.constant('a'))
const key = fc.constantFrom('a', 'b', 'constructor')
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(key, tie('value'), { maxKeys: 2 }),
  ),
}))

test('values are the same where their JSON is', () => {
  fc.assert(
    fc.property(value, value, (left, right) => {
      expect(isSameJson(left, right)).toBe(canonicalJson(left) === canonicalJson(right))
      expect(isSameJson(left, structuredClone(left))).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})
