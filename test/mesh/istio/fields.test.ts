import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkedKinds, checkObject } from '../../../src/mesh/istio/check-object.ts'
import { type Places, readDefinitions, readSchema, readTables, specWith } from '../../support/field-tables.ts'
import definitions from './istio-fields.json' with { type: 'json' }

const page = await readFile(join(import.meta.dirname, '../../../docs/istio-fields.md'), 'utf8')
const tables = readTables(page)
const istios = new Map(Object.entries(definitions).map(([kind, places]) => [kind, readDefinitions(places)]))

/** What a DestinationRule says of a subset or a port is what it says of all. */
const isRepeated = (place: string): boolean =>
  place.startsWith('subsets[].trafficPolicy') || /portLevelSettings\[\]\.(?!port)/.test(place)

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
      return { place, name, codes: issues.filter(({ path }) => path.at(-1) === name).map(({ code }) => code) }
    })
    expect(found).toEqual(fields.map((field) => ({ ...field, codes: ['UnsupportedField'] })))
  })
})

test('kinds of Istio of which nothing is carried out are refused', () => {
  expect([...istios.keys()].filter((kind) => !checkedKinds.has(kind))).toEqual(['Telemetry'])
  for (const [group, kind] of [
    ['telemetry', 'Telemetry'],
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
