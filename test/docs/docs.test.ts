import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { parseCanary } from '../../src/api/index.ts'
import { createProgram } from '../../src/cli/program.ts'
import { anchorsOf, commandsOf, linksOf, pages, readPage } from './pages.ts'

const root = join(import.meta.dirname, '../..')

describe('links lead to what is there', () => {
  test.each(pages.map((page) => [page.path, page] as const))('%s', (_, page) => {
    const broken = linksOf(page).filter(({ file, heading }) => {
      if (!existsSync(join(root, file))) return true
      return heading !== '' && !anchorsOf(readPage(file)).includes(heading)
    })
    expect(broken).toEqual([])
  })
})

describe('commands are those of the command line', () => {
  const program = createProgram()

  test.each(pages.map((page) => [page.path, page] as const))('%s', (_, page) => {
    expect(commandsOf(page).flatMap((words) => mistakesIn(program, words))).toEqual([])
  })

  test('there are many', () => {
    expect(pages.flatMap(commandsOf).length).toBeGreaterThan(60)
  })
})

/** Names of commands and options that there are not. */
function mistakesIn(command: Command, words: readonly string[]): readonly string[] {
  const [word, ...rest] = words
  const isWord = word !== undefined && /^[a-z][a-z-]*$/.test(word)
  if (command.commands.length > 0 && isWord) {
    const found = command.commands.find((each) => each.name() === word || each.aliases().includes(word))
    return found === undefined ? [`sluice ${words.join(' ')}`] : mistakesIn(found, rest)
  }
  const known = [...optionsOf(command), '--help', '--version']
  const given = words.map(
    (each) =>
      each
        .replace(/^\[/, '')
        .replace(/[\],.]+$/, '')
        .split('=')[0] ?? '',
  )
  const unknown = given.filter((each) => /^--?[a-z]/i.test(each) && !known.includes(each))
  return unknown.map((option) => `${command.name()} ${option}`)
}

/** A command that stands for several, such as `proxy-config KIND`, has the options of all of them. */
const optionsOf = ({ options, commands }: Command): readonly (string | undefined)[] => [
  ...options.flatMap(({ long, short }) => [long, short]),
  ...commands.flatMap(optionsOf),
]

describe('values of the chart', () => {
  const values: unknown = parse(readPage('charts/sluice/values.yaml').text)
  const has = (path: string): boolean =>
    path.split('.').reduce<unknown>((value, name) => memberOf(value, name), values) !== undefined

  test.each(pages.map((page) => [page.path, page] as const))('%s names those that there are', (_, { text }) => {
    const set = [...text.matchAll(/--set ([A-Za-z.]+)=/g)].map(([, path = '']) => path)
    const named = [
      ...text.matchAll(
        /`((?:controller|mesh|image|podMonitor|prometheusRule|dashboards|crds|rbac)\.[A-Za-z.]+)(?:=[^`]*)?`/g,
      ),
    ]
    expect([...set, ...named.map(([, path = '']) => path.replace(/\.$/, ''))].filter((path) => !has(path))).toEqual([])
  })

  test('all of them are in the README of the chart', () => {
    const { text } = readPage('charts/sluice/README.md')
    const paths = leavesOf(values).filter((path) => !text.includes(`\`${path}\``))
    const ofPods = /^(controller|mesh)\.(resources|podAnnotations|nodeSelector|tolerations|affinity|priorityClassName)/
    expect(paths.filter((path) => !ofPods.test(path) && !path.startsWith('mesh.injection.'))).toEqual([])
  })
})

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined

function leavesOf(value: unknown, path = ''): readonly string[] {
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
  if (entries.length === 0) return [path]
  return entries.flatMap(([name, inner]) => leavesOf(inner, path === '' ? name : `${path}.${name}`))
}

test('every alert is in docs/observability.md, and no other', () => {
  const alerts = /^\s+- alert: (\w+)$/gm
  const defined = [...readPage('charts/sluice/files/prometheus-rules.yaml').text.matchAll(alerts)].map(
    ([, name]) => name,
  )
  const described = [...readPage('docs/observability.md').text.matchAll(/^\| `(Sluice\w+)`/gm)].map(([, name]) => name)
  expect(described.toSorted()).toEqual(defined.toSorted())
})

test.each(['README.md', 'samples/first-release/shop.yaml'])('the Canary in %s is taken', (path) => {
  const { text } = readPage(path)
  const yaml = path.endsWith('.md') ? (/^```yaml\n(.*?)^```$/ms.exec(text)?.[1] ?? '') : text
  const objects = parseAllDocuments(yaml).map((document): unknown => document.toJS())
  const canaries = objects.filter((object) => memberOf(object, 'kind') === 'Canary')
  expect(canaries.map((canary) => parseCanary(canary))).toMatchObject([{ ok: true }])
})
