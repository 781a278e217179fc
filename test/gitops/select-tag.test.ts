import fc from 'fast-check'
import semver from 'semver'
import { describe, expect, test } from 'vitest'
import { selectTag } from '../../src/gitops/index.ts'

describe('the newest version in the range', () => {
  test.each<[string, readonly string[], string, string | undefined]>([
    ['numbers, not text, are compared', ['1.9.0', '1.10.0', '1.2.0'], '>=1.0.0', '1.10.0'],
    ['a v may lead and is kept', ['v1.0.0', 'v1.1.0'], '^1.0.0', 'v1.1.0'],
    ['of two spellings the plain one is taken', ['v1.1.0', '1.1.0'], '^1.0.0', '1.1.0'],
    ['the range ends it', ['1.2.0', '2.0.0'], '>=1.2 <2', '1.2.0'],
    ['tags that move do not count', ['latest', '1', '1.2', 'v2', '1.2.x'], '*', undefined],
    ['words and dates do not count', ['main-3f2a1b', 'sha256-0a', '2026.01.02', ''], '*', undefined],
    ['nothing is in the range', ['1.0.0'], '>=2', undefined],
    ['no tags', [], '*', undefined],
    ['a prerelease is not asked for', ['1.1.0-rc.1', '1.0.0'], '>=1.0.0', '1.0.0'],
    ['a prerelease is asked for', ['1.1.0-rc.1', '1.0.0'], '>=1.0.0-0', '1.1.0-rc.1'],
    ['a release is newer than its prerelease', ['1.1.0-rc.9', '1.1.0'], '>=1.0.0-0', '1.1.0'],
    ['numbers in prereleases are compared', ['1.0.0-rc.9', '1.0.0-rc.10'], '>=1.0.0-rc.1', '1.0.0-rc.10'],
    ['a hyphen range names no prerelease', ['1.5.0', '1.6.0-rc.1'], '1.0.0 - 2.0.0', '1.5.0'],
    ['alternatives', ['1.5.0', '3.1.0', '2.9.0'], '^1.0.0 || ^3.0.0', '3.1.0'],
    ['a tag beyond the limit of OCI is not one', [`1.0.0-${'a'.repeat(200)}`], '>=1.0.0-0', undefined],
  ])('%s', (_, tags, range, expected) => expect(selectTag(tags, range)).toEqual({ ok: true, value: expected }))
})

test.each(['', '  ', 'latest', '>=', '1.0.0 to 2.0.0', `>=1.0.0 ${' || 1'.repeat(100)}`])(
  'the range %j is refused',
  (range) =>
    expect(selectTag(['1.0.0'], range)).toEqual({
      ok: false,
      error: `spec.semver.range: "${range}" is not a version range such as ">=1.2.0 <2.0.0"`,
    }),
)

test('the choice is in the range, nothing in the range is newer, and the order of the tags does not matter', () => {
  const version = fc
    .tuple(fc.nat({ max: 3 }), fc.nat({ max: 12 }), fc.nat({ max: 3 }), fc.constantFrom('', '-rc.1', '-rc.2'))
    .map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`)
  const range = fc.constantFrom('*', '^1.0.0', '>=1.2.0 <3', '~2.4.0', '>=0.0.0-0')
  fc.assert(
    fc.property(fc.array(version), range, (tags, text) => {
      const chosen = selectTag(tags, text)
      expect(selectTag(tags.toReversed(), text)).toEqual(chosen)
      const options = { includePrerelease: text.includes('-0') }
      const fitting = tags.filter((tag) => semver.satisfies(tag, text, options))
      expect(chosen).toEqual({ ok: true, value: fitting.sort(semver.rcompare)[0] })
    }),
  )
})
