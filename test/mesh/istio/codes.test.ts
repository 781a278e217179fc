import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { diagnosticCodes } from '../../../src/mesh/istio/diagnostic.ts'
import { analyze, renderPath } from '../../../src/mesh/istio/index.ts'
import { advice } from './analysis-advice.ts'
import { examples } from './analysis-examples.ts'

const all = [...examples, ...advice]

test.each(all)('$code', ({ code, yaml, said }) => {
  const objects = parseAllDocuments(yaml).map((document) => document.toJS() as unknown)
  const found = analyze(objects).flat()
  expect(
    found.map(({ severity, object: { kind, namespace, name }, path, message }) => {
      return `${severity} ${kind} ${namespace}/${name} ${renderPath(path)}: ${message}`
    }),
  ).toEqual(said)
  expect(new Set(found.map((each) => each.code))).toEqual(new Set([code]))
})

test('every code has an example and a row in the documentation, with its severities', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/analyze.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` *\| ([a-z, ]+?) *\|/gm)].map(([, code = '', severities = '']) => ({
    code,
    severities: severities.split(', ').sort(),
  }))
  const ofFiles = ['InvalidYaml', 'MergedDocuments']
  const severitiesOf = (code: string) =>
    all.filter((each) => each.code === code).flatMap(({ said }) => said.map((line) => line.split(' ')[0]))
  expect(rows.filter(({ code }) => !ofFiles.includes(code)).sort(byCode)).toEqual(
    diagnosticCodes.map((code) => ({ code, severities: [...new Set(severitiesOf(code))].sort() })).sort(byCode),
  )
  expect(rows.map(({ code }) => code)).toEqual(expect.arrayContaining(ofFiles))
})

const byCode = (left: { readonly code: string }, right: { readonly code: string }): number =>
  left.code < right.code ? -1 : 1
