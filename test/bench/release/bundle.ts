import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../../..')

/** What `npm run build` makes of the sources as they are now. */
export interface Bundle extends AsyncDisposable {
  /** Path of its program. */
  readonly program: string
}

/** A bundle of its own: one that was built earlier may be of other sources, and nobody would see it in the figures. */
export async function buildBundle(): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bundle-'))
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.ts'), '--out', folder])
  return {
    program: join(folder, 'sluice.mjs'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
