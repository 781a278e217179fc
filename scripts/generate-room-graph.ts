/** Writes the graph of rooms, as the imports really are, into ARCHITECTURE.md; with --check it only tells whether it is up to date. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

interface Cruise {
  readonly modules: readonly {
    readonly source: string
    readonly dependencies: readonly { readonly resolved: string }[]
  }[]
}

const root = join(import.meta.dirname, '..')
const page = join(root, 'ARCHITECTURE.md')
const start = '<!-- rooms:start (npm run generate) -->'
const end = '<!-- rooms:end -->'

const { stdout } = await promisify(execFile)(
  join(root, 'node_modules', '.bin', 'depcruise'),
  ['src', '--config', '.dependency-cruiser.mjs', '--output-type', 'json'],
  { cwd: root, maxBuffer: 200_000_000 },
).catch((error: { stdout: string }) => error)
const text = await readFile(page, 'utf8')
const [before, rest] = text.split(start)
const after = rest?.split(end)[1]
if (before === undefined || after === undefined)
  throw new Error(`ARCHITECTURE.md has lost its markers: ${start} and ${end}`)
const wanted = `${before}${start}\n\n${renderGraph(JSON.parse(stdout) as Cruise)}\n\n${end}${after}`

if (process.argv.includes('--check')) {
  if (wanted !== text) {
    console.error('The room graph of ARCHITECTURE.md is out of date: run `npm run generate`.')
    process.exitCode = 1
  }
} else if (wanted !== text) await writeFile(page, wanted)

function renderGraph({ modules }: Cruise): string {
  const edges = new Set<string>()
  for (const { source, dependencies } of modules) {
    for (const { resolved } of dependencies) {
      const [from, to] = [roomOf(source), roomOf(resolved)]
      // Everything may use base, and cli wires everything: both would only hide the rest.
      if (from === undefined || to === undefined || from === to || to === 'base' || from === 'cli') continue
      edges.add(`  ${from} --> ${to}`)
    }
  }
  return ['```mermaid', 'graph LR', ...[...edges].sort(), '```'].join('\n')
}

function roomOf(path: string): string | undefined {
  return /^src\/((?:mesh\/)?[^/]+)\//.exec(path)?.[1]
}
