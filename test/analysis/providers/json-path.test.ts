import { describe, expect, test } from 'vitest'
import { parseJsonPath, valueAt } from '../../../src/analysis/providers/json-path.ts'

const document = { data: { items: [{ 'error.rate': 1 }, { 'error.rate': 2, 'a"b': 3 }], '@x': 4 }, length: 5 }

describe('a path is read', () => {
  test.each([
    ['data.items[0]["error.rate"]', 1],
    ['data.items[-1]["error.rate"]', 2],
    ['$.data.items[1]["a\\"b"]', 3],
    ['{$.data.@x}', 4],
    ['length', 5],
    ['data["items"][0]', { 'error.rate': 1 }],
    ['$[0]', undefined],
    ['data.items.length', undefined],
    ['data.items[9].x', undefined],
    ['data.toString', undefined],
    ['data.__proto__.x', undefined],
    ['$', document],
  ])('%s', (path, expected) => {
    const parsed = parseJsonPath(path)
    expect(parsed.ok && valueAt(document, parsed.value)).toEqual(expected)
  })

  test.each([
    ['data..x', '..x'],
    ['data.items[*]', '[*]'],
    ['data.items[?(@.a)]', '[?(@.a)]'],
    ['a b', ' b'],
    ['data[0]x', 'x'],
    ['data["open]', '["open]'],
    ['items[0:2]', '[0:2]'],
  ])('refuses %s', (path, at) => {
    expect(parseJsonPath(path)).toEqual({ ok: false, error: `provider.jsonPath does not parse at "${at}"` })
  })
})
