import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** Everything that must hold of every commit, but for the tests. */
const checks: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'format and lint': ['biome', 'check', '--error-on-warnings', '.'],
  types: ['tsc', '--project', '.'],
  layers: ['depcruise', 'src', 'test', 'scripts', '--config', '.dependency-cruiser.mjs'],
  'generated CRDs': ['node', 'scripts/generate-crds.ts', '--check'],
  'tables of metrics': ['node', 'scripts/generate-metrics-table.ts', '--check'],
  dashboards: ['node', 'scripts/generate-dashboards.ts', '--check'],
  'room graph': ['node', 'scripts/generate-room-graph.ts', '--check'],
  'unused code': ['knip', '--no-progress'],
}

const root = join(import.meta.dirname, '..')

interface Outcome {
  readonly ok: boolean
  readonly output: string
}

function run([command, ...args]: readonly [string, ...string[]]): Promise<Outcome> {
  const file = command === 'node' ? process.execPath : join(root, 'node_modules', '.bin', command)
  const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ ok: false, output: error.message }))
    child.once('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString() }))
  })
}

let failed = 0
for (const [name, command] of Object.entries(checks)) {
  const start = performance.now()
  const { ok, output } = await run(command)
  const seconds = ((performance.now() - start) / 1_000).toFixed(1)
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  if (!ok) {
    failed += 1
    console.log(`\n$ ${command.join(' ')}\n${output.trim()}\n`)
  }
}
console.log(failed === 0 ? 'all checks hold' : `${failed} of ${Object.keys(checks).length} checks failed`)
process.exitCode = failed === 0 ? 0 : 1
