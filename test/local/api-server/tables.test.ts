import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseProtobuf } from '../../../src/local/api-server/http/protobuf.ts'
import { evaluateJsonPath, parseJsonPath } from '../../../src/local/api-server/json-path.ts'
import { humanDuration } from '../../../src/local/api-server/kinds/age.ts'
import { mergePatch } from '../../../src/local/api-server/patch/merge-patch.ts'
import { canonicalQuantity } from '../../../src/local/api-server/schema/quantity.ts'
import { matchesSelector, parseSelectorText } from '../../../src/local/api-server/selectors.ts'
import {
  difference,
  type FieldSet,
  intersection,
  parseFields,
  pathsOf,
  renderFields,
  setOfPath,
  union,
  unionAll,
} from '../../../src/local/api-server/server-side-apply/field-set.ts'
import { parseEntry, parseJournal, renderEntry } from '../../../src/local/api-server/storage/disk-format.ts'

test.each([
  ['1', '1'],
  [1, '1'],
  [0.5, '500m'],
  ['0.5', '500m'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['1024Mi', '1Gi'],
  ['1.5Gi', '1536Mi'],
  ['128M', '128M'],
  ['1000k', '1M'],
  ['0', '0'],
  ['100u', '100u'],
  ['1e3', '1e3'],
  ['-2', '-2'],
  ['none', 'none'],
])('quantity %j is %j', (given, expected) => {
  expect(canonicalQuantity(given)).toBe(expected)
})

test.each([
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [125, '2m5s'],
  [3600, '60m'],
  [4 * 3600 + 60, '4h1m'],
  [30 * 3600, '30h'],
  [3 * 86400 + 3600, '3d1h'],
  [400 * 86400, '400d'],
  [3 * 365 * 86400, '3y'],
])('%d seconds are %s', (seconds, expected) => {
  expect(humanDuration(seconds)).toBe(expected)
})

describe('JSONPath', () => {
  const object = {
    spec: { size: 3, 'a.b': 'dotted' },
    list: [
      { name: 'x', on: true, n: 1 },
      { name: 'y', on: false, n: 2 },
    ],
    'group/kind': 'slashed',
  }
  test.each([
    ['.spec.size', [3]],
    ['{.spec.size}', [3]],
    ['spec.size', [3]],
    ["$.spec['a.b']", ['dotted']],
    ['.spec.a\\.b', ['dotted']],
    ['.list[0].name', ['x']],
    ['.list[-1].name', ['y']],
    ['.list[*].name', ['x', 'y']],
    ['.list[?(@.name=="y")].n', [2]],
    ["list[?(@.name == 'x')].n", [1]],
    ['.list[?(@.on==true)].n', [1]],
    ['.list[?(@.n==2)].name', ['y']],
    ['..name', ['x', 'y']],
    ['.none.at.all', []],
    ['.constructor', []],
  ])('%s', (path, expected) => {
    expect(evaluateJsonPath(parseJsonPath(path) ?? [], object)).toEqual(expected)
  })

  test.each(['.list[', '.list[?(name)]', '[a:b]'])('%s is refused', (path) => {
    expect(parseJsonPath(path)).toBeUndefined()
  })
})

describe('label selectors', () => {
  const labels = { app: 'web', tier: 'front', 'example.test/n': '5' }
  test.each([
    ['', true],
    ['app', true],
    ['!app', false],
    ['none', false],
    ['!none', true],
    ['app=web', true],
    ['app==web', true],
    ['app=api', false],
    ['app!=api', true],
    ['none!=x', true],
    ['app in (web,api)', true],
    ['app notin (web,api)', false],
    ['none notin (x)', true],
    ['example.test/n>4', true],
    ['example.test/n<4', false],
    ['app=web,tier=front', true],
    ['app=web, tier=back', false],
    ['app in (web), tier in (front,back)', true],
    ['app=', false],
  ])('%s -> %s', (selector, expected) => {
    expect(matchesSelector(parseSelectorText(selector), labels)).toBe(expected)
  })

  test.each(['a b', 'a=b=c', '=b', 'a in b', 'a=$'])('%s is refused', (selector) => {
    expect(() => parseSelectorText(selector)).toThrow()
  })
})

test('merge patches follow RFC 7396', () => {
  const examples = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ] as const
  for (const [target, patch, expected] of examples) expect(mergePatch(target, patch)).toEqual(expected)
})

test('protobuf of DeleteOptions, as helm sends it', () => {
  const text = (number: number, value: Buffer | string) =>
    Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), Buffer.from(value)])
  const type = Buffer.concat([text(1, 'v1'), text(2, 'DeleteOptions')])
  const options = Buffer.concat([Buffer.from([8, 0]), text(2, text(1, 'uid-1')), text(4, 'Background'), text(5, 'All')])
  const body = Buffer.concat([Buffer.from('k8s\0'), text(1, type), text(2, options), text(3, ''), text(4, '')])
  expect(parseProtobuf(body)).toEqual({
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    gracePeriodSeconds: 0,
    preconditions: { uid: 'uid-1' },
    propagationPolicy: 'Background',
    dryRun: ['All'],
  })
})

describe('field sets', () => {
  const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:"y"')
  const sets = fc
    .array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 8 })
    .map((all) => unionAll(all.map(setOfPath)))
  const paths = (set: FieldSet): ReadonlySet<string> => new Set(pathsOf(set).map((path) => path.join('/')))
  const both = (a: ReadonlySet<string>, b: ReadonlySet<string>) => new Set([...a].filter((path) => b.has(path)))
  const without = (a: ReadonlySet<string>, b: ReadonlySet<string>) => new Set([...a].filter((path) => !b.has(path)))

  test('are read as they are written', () => {
    fc.assert(
      fc.property(sets, (set) => {
        expect(paths(parseFields(renderFields(set)))).toEqual(paths(set))
      }),
    )
  })

  test('unite, differ and meet as sets of paths', () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        const [x, y] = [paths(a), paths(b)]
        expect(paths(union(a, b))).toEqual(new Set([...x, ...y]))
        expect(paths(difference(a, b))).toEqual(without(x, y))
        expect(paths(intersection(a, b))).toEqual(both(x, y))
      }),
    )
  })
})

test('a journal cut anywhere gives the whole entries before the cut', () => {
  const entries = ['a', 'ü', 'c'].map((key, index) => ({
    resource: '/pods',
    key,
    revision: index,
    object: index === 1 ? undefined : { metadata: { name: key } },
  }))
  const lines = entries.map(renderEntry)
  const text = lines.join('')
  fc.assert(
    fc.property(fc.nat(text.length), (cut) => {
      const ends = lines.map((_, index) => lines.slice(0, index + 1).join('').length)
      const whole = ends.filter((end) => end <= cut).length
      const parsed = parseJournal(text.slice(0, cut))
      expect(parsed.entries).toEqual(entries.slice(0, whole))
      expect(parsed.torn).toBe(cut !== 0 && !ends.includes(cut))
    }),
  )
  expect(parseEntry((lines[0] ?? '').replace('a', 'b'))).toBeUndefined()
})
