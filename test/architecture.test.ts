import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'

const root = join(import.meta.dirname, '..')

const sources = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.includes('/generated/'))

const cruiseSchema = z.object({
  modules: z.array(z.object({ source: z.string() })),
  summary: z.object({
    violations: z.array(z.object({ from: z.string(), rule: z.object({ name: z.string() }) })),
    ruleSetUsed: z.object({
      forbidden: z.array(z.object({ name: z.string(), comment: z.string(), to: z.record(z.string(), z.unknown()) })),
    }),
  }),
})
type Cruise = z.output<typeof cruiseSchema>

/** Runs dependency-cruiser as `npm run check` does, on the project in a folder. */
async function cruise(cwd: string, folders: readonly string[]): Promise<Cruise> {
  const binary = join(root, 'node_modules', '.bin', 'depcruise')
  const args = [...folders, '--config', join(root, '.dependency-cruiser.mjs'), '--output-type', 'json']
  const { stdout } = await promisify(execFile)(binary, args, { cwd, maxBuffer: 256 * 1024 * 1024 })
  return cruiseSchema.parse(JSON.parse(stdout))
}

const roomOf = (file: string): string => /^src\/(mesh\/[^/]+|[^/]+)\//.exec(file)?.[1] ?? ''

describe('layers', () => {
  let project: Cruise
  let planted: Cruise
  const folder = mkdtempSync(join(tmpdir(), 'sluice-planted-'))

  beforeAll(async () => {
    project = await cruise(root, ['src'])
    for (const [path, content] of Object.entries(plantedFiles(project))) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), content)
    }
    planted = await cruise(folder, ['src'])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('every source file is read: a tool that reads none finds no violation', () => {
    const read = new Set(project.modules.map(({ source }) => source))
    expect(sources.length).toBeGreaterThan(0)
    expect(sources.filter((file) => !read.has(file))).toEqual([])
  })

  test('every rule catches a planted violation, and nothing else is caught', () => {
    const caught = planted.summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`)
    const expected = violations(project).map(({ rule, file }) => `${rule}: ${file}`)
    expect([...new Set(caught)].sort()).toEqual([...new Set(expected)].sort())
    const rules = project.summary.ruleSetUsed.forbidden.map(({ name }) => name)
    expect([...new Set(violations(project).map(({ rule }) => rule))].sort()).toEqual(rules.sort())
  })

  test('every rule says why', () => {
    expect(project.summary.ruleSetUsed.forbidden.filter(({ comment }) => comment.length < 20)).toEqual([])
  })

  test('every room is in the table, and has its door', () => {
    const rooms = [...new Set(sources.map(roomOf))]
    const ruled = project.summary.ruleSetUsed.forbidden.map(({ name }) => name)
    expect(rooms.filter((room) => !ruled.includes(ruleOf(room)) && room !== 'cli')).toEqual([])
    expect(rooms.filter((room) => !existsSync(join(root, 'src', room, 'index.ts')) && room !== 'cli')).toEqual([])
  })
})

interface Violation {
  readonly rule: string
  readonly file: string
  readonly content: string
}

const ruleOf = (room: string): string => `room-${room.replace('/', '-')}`

const plant = (rule: string, file: string, content: string): Violation => ({ rule, file, content })

/** Every way to break a rule that the tool must see: plain, type-only, re-exported, dynamic, beside `using`. */
const handWritten: readonly Violation[] = [
  plant('no-cycles', 'src/kube/circle.ts', "import { other } from './other.ts'\nexport const circle = other"),
  plant(
    'through-the-door',
    'src/traffic/side-door.ts',
    "import { kube } from '../kube/inside.ts'\nexport const x = kube",
  ),
  plant('through-the-door', 'src/mesh/xds/side-door.ts', "export type { model } from '../model/inside.ts'"),
  plant('pure-rooms', 'src/canary/reads.ts', "import { readFileSync } from 'node:fs'\nexport const x = readFileSync"),
  plant('pure-rooms-packages', 'src/canary/talks.ts', "import axios from 'axios'\nexport const x = axios"),
  plant(
    'pure-analysis',
    'src/analysis/judge/threshold.ts',
    "import { runtime } from '../../runtime/index.ts'\nexport const x = runtime",
  ),
  plant('pure-rooms', 'src/analysis/builtin/mesh/acts.ts', "import 'node:fs'"),
  plant(
    'src-without-test',
    'src/kube/tested.ts',
    "import { test } from '../../test/support.ts'\nexport const x = test",
  ),
  plant(
    'src-without-dev-dependencies',
    'src/kube/builds.ts',
    "import building from 'building'\nexport const x = building",
  ),
  plant('declared-packages', 'src/kube/strays.ts', "import stray from 'stray'\nexport const x = stray"),
  plant('resolvable', 'src/kube/nowhere.ts', "import { x } from './not-there.ts'\nexport const y = x"),
  plant(
    'room-canary',
    'src/canary/types.ts',
    "import type { kube } from '../kube/index.ts'\nexport type X = typeof kube",
  ),
  plant(
    'room-canary',
    'src/canary/mixed.ts',
    "import { type kube } from '../kube/index.ts'\nexport type X = typeof kube",
  ),
  plant('room-canary', 'src/canary/handed-on.ts', "export * from '../kube/index.ts'"),
  plant('room-canary', 'src/canary/late.ts', "export const x = async () => (await import('../kube/index.ts')).kube"),
  plant(
    'room-canary',
    'src/canary/disposes.ts',
    "export async function x(y: any) {\n  using a = y()\n  await using b = (await import('../kube/index.ts')).kube(a)\n  return b\n}",
  ),
]

/** One import of a forbidden room's door for every rule of the table. */
function tabled({ summary }: Cruise): readonly Violation[] {
  const rules = summary.ruleSetUsed.forbidden.filter(({ name }) => name.startsWith('room-'))
  const rooms = rules.map(({ name }) => name.replace('room-', '').replace('mesh-', 'mesh/'))
  return rules.map(({ name, to }, index) => {
    const allowed = new RegExp(z.string().parse(to.pathNot))
    const forbidden = rooms.find((other) => !allowed.test(`src/${other}/`)) ?? 'cli'
    const room = rooms[index] ?? ''
    const up = room.includes('/') ? '../..' : '..'
    const content = `import * as door from '${up}/${forbidden}/index.ts'\nexport const x = door`
    return plant(name, `src/${room}/breach.ts`, content)
  })
}

const violations = (project: Cruise): readonly Violation[] => [...handWritten, ...tabled(project)]

function plantedFiles(project: Cruise): Readonly<Record<string, string>> {
  const doors = tabled(project).map(({ file }) => {
    const room = roomOf(file)
    return [`src/${room}/index.ts`, `export const ${basename(room).replace('-', '')} = 1`] as const
  })
  const packages = ['axios', 'building', 'stray'].flatMap((name) => [
    [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })] as const,
    [`node_modules/${name}/index.js`, 'module.exports = 1'] as const,
  ])
  return {
    ...Object.fromEntries(doors),
    ...Object.fromEntries(packages),
    'package.json': JSON.stringify({ dependencies: { axios: '1' }, devDependencies: { building: '1' } }),
    'test/support.ts': 'export const test = 1',
    'src/cli/index.ts': 'export const cli = 1',
    // The other half of the circle: one violation for both.
    'src/kube/other.ts': "import type { circle } from './circle.ts'\nexport const other: typeof circle = 1",
    'src/kube/inside.ts': 'export const kube = 1',
    'src/mesh/model/inside.ts': 'export const model = 1',
    ...Object.fromEntries(violations(project).map(({ file, content }) => [file, content])),
  }
}

describe('files', () => {
  const text = (file: string) => readFileSync(join(root, file), 'utf8')

  test('none is longer than 300 lines', () => {
    const scripts = globSync('scripts/**/*.ts', { cwd: root })
    const long = [...sources, ...scripts].map((file) => `${file}: ${text(file).split('\n').length - 1}`)
    expect(long.filter((line) => Number(line.split(': ')[1]) > 300)).toEqual([])
  })

  test('all are named for what they hold', () => {
    const vague = /(^|-)(utils?|helpers?|common|misc|managers?|types|enums|constants)$/
    expect(
      sources.filter((file) =>
        file
          .slice(0, -3)
          .split('/')
          .some((part) => vague.test(part)),
      ),
    ).toEqual([])
    expect(sources.filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(basename(file)))).toEqual([])
  })

  test('rooms that decide take time and chance as values', () => {
    const pure = /^src\/(base|api|canary|mesh\/(model|istio|envoy)|analysis\/(statistics|builtin))\//
    const impure =
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bset(Timeout|Interval)\(|\bfetch\(|\bprocess\.\w|\bperformance\./
    expect(sources.filter((file) => pure.test(file) && impure.test(text(file)))).toEqual([])
  })

  test('every door says what its room is for', () => {
    const doors = sources.filter((file) => file === `src/${roomOf(file)}/index.ts`)
    expect(doors.length).toBeGreaterThan(0)
    expect(doors.filter((file) => !text(file).startsWith('/**'))).toEqual([])
  })
})
