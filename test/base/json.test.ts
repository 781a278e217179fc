import { expect, test } from 'vitest'
import { parseJson } from '../../src/base/index.ts'

test.each([
  ['{"a":[1]}', { a: [1] }],
  ['null', null],
  ['"text"', 'text'],
  ['', undefined],
  ['{a}', undefined],
  ['{}{}', undefined],
])('%s is %j', (text, expected) => {
  expect(parseJson(text)).toEqual(expected)
})
