import { expect, test } from 'vitest'
import { findOrMake, remember } from '../../src/base/index.ts'

test.each([
  ['a Map', () => new Map<object, readonly string[]>()],
  ['a WeakMap', () => new WeakMap<object, readonly string[]>()],
])('%s: a value is made when there is none, and found from then on', (_, empty) => {
  const known = empty()
  const [one, other] = [{}, {}]
  const first = findOrMake(known, one, () => ['first'])
  expect(findOrMake(known, one, () => ['second'])).toBe(first)
  expect([first, findOrMake(known, other, () => ['other']), known.get(other)]).toEqual([
    ['first'],
    ['other'],
    ['other'],
  ])
})

test('a value that is there is neither made nor set again', () => {
  const sets: string[] = []
  const known = { get: (key: string) => (key === 'old' ? 0 : undefined), set: (key: string) => sets.push(key) }
  const make = () => 1
  expect([findOrMake(known, 'old', make), findOrMake(known, 'new', make)]).toEqual([0, 1])
  expect(sets).toEqual(['new'])
})

test('what is made of a key is made once', () => {
  const made: string[] = []
  const nameOf = remember(({ name }: { readonly name: string }) => {
    made.push(name)
    return { name }
  })
  const [one, same] = [{ name: 'one' }, { name: 'one' }]
  expect(nameOf(one)).toBe(nameOf(one))
  expect(nameOf(same)).not.toBe(nameOf(one))
  expect(made).toEqual(['one', 'one'])
})
