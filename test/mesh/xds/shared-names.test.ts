import { expect, test } from 'vitest'
import { shareNames } from '../../../src/mesh/xds/shared-names.ts'

const namesTo = (count: number) => Array.from({ length: count }, (_, index) => `name-${index}`)
const resourcesOf = (names: readonly string[]) =>
  new Map(names.map((name) => [name, { name, version: '1', bytes: Buffer.alloc(0), clusters: [], needs: [] }]))

test('proxies that ask for all that there is share one set of names, and no others do', () => {
  const names = namesTo(60)
  const offered = resourcesOf(names)
  const shared = shareNames(new Set(names), offered)
  expect(shared).toEqual(new Set(names))
  expect(shareNames(new Set(names.toReversed()), offered)).toBe(shared)
  for (const other of [new Set(names.slice(1)), new Set([...names.slice(1), 'another'])]) {
    expect(shareNames(other, offered)).toBe(other)
  }
  const few = namesTo(3)
  const asked = new Set(few)
  expect(shareNames(asked, resourcesOf(few))).toBe(asked)
  expect(shareNames('all', offered)).toBe('all')
})
