import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'rolldown'
import { plugins } from './bundle-plugins.ts'

/**
 * `npm run build`: the release, dist/sluice.mjs with a chunk for each command that needs more. Bundled, a command loads
 * what it uses of its packages and no type is stripped at start: half of the memory. `local` and `demo` start programs of
 * the sources beside them, and run from the sources only.
 */
const root = join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } })
const dir = values.out

await rm(dir, { recursive: true, force: true })
const { output } = await build({
  input: { sluice: join(root, 'src/cli/main.ts') },
  platform: 'node',
  plugins: [...plugins],
  // Of client-node only kubeconfigs are used. Its models, a megabyte, have no effect that anybody would miss; nor have
  // CRDs, which are rendered at the start of whoever has them, the controller included.
  treeshake: { moduleSideEffects: [{ test: /client-node\/dist|src\/api\//, sideEffects: false }] },
  output: { dir, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs', minify: true },
})
const entry = join(dir, 'sluice.mjs')
// Most objects of a pass die at once: a quarter of Node's young generation holds them, and spares its memory.
// A sixteenth of it costs more processor time in collecting garbage than the controller's own work. Left to itself V8
// lets the old generation double before it looks for garbage, and glibc keeps memory apart for each thread.
const memory = '--max-semi-space-size=4 --initial-old-space-size=16 --heap-growing-percent=20 --optimize-for-size'
const text = await readFile(entry, 'utf8')
await writeFile(entry, text.replace('#!/usr/bin/env node', `#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node ${memory}`))
await chmod(entry, 0o755)
const bytes = output.reduce((sum, file) => sum + (file.type === 'chunk' ? file.code.length : 0), 0)
console.log(`${entry} and ${output.length - 1} chunks, ${(bytes / 1e6).toFixed(1)} MB`)
