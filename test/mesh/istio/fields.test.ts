import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkedKinds, checkObject } from '../../../src/mesh/istio/check-object.ts'
import { type Diagnostic, renderPath } from '../../../src/mesh/istio/index.ts'
import { type Places, readDefinitions, readSchema, readTables, specWith } from '../../support/field-tables.ts'
import definitions from './istio-fields.json' with { type: 'json' }

const page = await readFile(join(import.meta.dirname, '../../../docs/istio-fields.md'), 'utf8')
const tables = readTables(page)
const istios = new Map(Object.entries(definitions).map(([kind, places]) => [kind, readDefinitions(places)]))

/** What a DestinationRule says of a subset or a port is what it says of all. */
const isRepeated = (place: string): boolean =>
  place.startsWith('subsets[].trafficPolicy') || /portLevelSettings\[\]\.(?!port)/.test(place)

/** More than that something is not there: a word of what to write, or why to leave it out. */
const saidOf = ({ code, path, message }: Diagnostic) => ({
  code,
  path: renderPath(path),
  saysWhatToDo: /[:,] .{8,}/.test(message),
})

/** As `specWith` fills the place. */
const pathOf = (place: string, name?: string): string =>
  ['spec', place === 'spec' ? undefined : place, name]
    .filter((part) => part !== undefined)
    .join('.')
    .replaceAll('[]', '[0]')
    .replaceAll('{}', '.any')

const isOfValues = (place: string): boolean => place.endsWith(' =')

describe.each([...checkedKinds])('of a %s', (kind, { schema, group }) => {
  const read = new Map([...readSchema(schema)].filter(([place]) => !isRepeated(place)))
  const table: Places = tables.get(kind) ?? new Map()

  test('the table names every field that is carried out, and no other', () => {
    const fields = (from: Places) =>
      [...from]
        .filter(([place]) => !isOfValues(place))
        .map(([place, { carriedOut }]) => `${place}: ${carriedOut.join(' ')}`)
        .sort()
    expect(fields(table)).toEqual(fields(read))
    const values = [...table].filter(([place]) => isOfValues(place))
    expect(values.map(([place, { carriedOut }]) => [place, carriedOut])).toEqual(
      values.map(([place]) => [place, read.get(place)?.carriedOut.toSorted()]),
    )
  })

  test('the table names every field and value that Istio has', () => {
    const refused = [...table].flatMap(([place, row]) =>
      row.refused.map((name) => (place === 'spec' ? name : `${place}.${name}`)),
    )
    const isBelowRefused = (place: string) =>
      refused.some((path) => place === path || ['.', '[', '{', ' '].some((next) => place.startsWith(path + next)))
    const missing = [...(istios.get(kind) ?? [])].flatMap(([place, names]) => {
      if (isBelowRefused(place)) return []
      const row = table.get(place)
      return names
        .filter((name) => ![...(row?.carriedOut ?? []), ...(row?.refused ?? [])].includes(name))
        .map((name) => `${place} ${name}`)
    })
    expect(missing).toEqual([])
  })

  test('what the table calls refused is refused, with its path', () => {
    const fields = [...table]
      .filter(([place]) => !isOfValues(place))
      .flatMap(([place, { refused }]) => refused.map((name) => ({ place, name })))
    const found = fields.map(({ place, name }) => {
      const spec = specWith(place, name)
      const issues = checkObject({ apiVersion: `${group}/v1`, kind, metadata: { name: 'any' }, spec })
      return { place, name, said: issues.filter(({ path }) => path.at(-1) === name).map(saidOf) }
    })
    const said = [{ code: 'UnsupportedField', path: expect.any(String), saysWhatToDo: true }]
    expect(found).toEqual(
      fields.map(({ place, name }) => ({ place, name, said: [{ ...said[0], path: pathOf(place, name) }] })),
    )
  })

  test('what the table calls a refused value is refused, with what to do instead', () => {
    const values = [...table]
      .filter(([place]) => isOfValues(place))
      .flatMap(([place, { refused }]) => refused.map((value) => ({ place: place.replace(/ =$/, ''), value })))
    const found = values.map(({ place, value }) => {
      const [field = '', ...above] = place.split('.').toReversed()
      const spec = specWith(above.toReversed().join('.') || 'spec', field, value)
      const issues = checkObject({ apiVersion: `${group}/v1`, kind, metadata: { name: 'any' }, spec })
      return { place, value, said: issues.filter(({ path }) => path.at(-1) === field).map(saidOf) }
    })
    expect(found).toEqual(
      values.map(({ place, value }) => {
        return { place, value, said: [{ code: 'InvalidValue', path: pathOf(place), saysWhatToDo: true }] }
      }),
    )
  })

  test('a field that there is not is named with its place', () => {
    const found = [...table.keys()]
      .filter((place) => !isOfValues(place))
      .map((place) => {
        const spec = specWith(place, 'surelyNoFieldOfIstio')
        const issues = checkObject({ apiVersion: `${group}/v1`, kind, metadata: { name: 'any' }, spec })
        const said = issues.filter(({ path }) => path.at(-1) === 'surelyNoFieldOfIstio')
        return { place, said: said.map(({ code, message, path }) => [code, message.split(';')[0], renderPath(path)]) }
      })
    const message = 'there is no such field'
    expect(found).toEqual(
      found.map(({ place }) => {
        return { place, said: [['UnknownField', message, pathOf(place, 'surelyNoFieldOfIstio')]] }
      }),
    )
  })
})

test('kinds of Istio of which nothing is carried out are refused', () => {
  expect([...istios.keys()].filter((kind) => !checkedKinds.has(kind))).toEqual([])
  for (const [group, kind] of [
    ['networking', 'EnvoyFilter'],
    ['networking', 'WorkloadGroup'],
    ['networking', 'ProxyConfig'],
    ['extensions', 'WasmPlugin'],
    ['extensions', 'TrafficExtension'],
  ]) {
    const found = checkObject({ apiVersion: `${group}.istio.io/v1`, kind, metadata: { name: 'any' }, spec: {} })
    expect(found.map(({ code, path }) => [code, path])).toEqual([['UnsupportedKind', ['kind']]])
    expect(page).toContain(`\`${kind}\``)
  }
})
