import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * The shared libraries that programs of this machine are linked with, and the loader, by the paths at which the loader
 * looks for them. A static program needs none.
 */
export async function librariesOf(programs: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(programs.map(linkedWith))
  return [...new Set(found.flat())].toSorted()
}

async function linkedWith(program: string): Promise<readonly string[]> {
  const output = await listOf(program)
  const missing = /^\s*(\S+) => not found$/m.exec(output)?.[1]
  if (missing !== undefined) throw new Error(`${program} needs the library ${missing}, which this machine lacks`)
  return [...output.matchAll(/(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(([, path]) => String(path))
}

async function listOf(program: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('ldd', [program], { env: { ...process.env, LC_ALL: 'C' } })
    return stdout
  } catch (cause) {
    if (cause instanceof Error && /not a dynamic executable|statically linked/.test(textOf(cause))) return ''
    throw new Error(`ldd ${program} failed; it is part of the C library`, { cause })
  }
}

const textOf = (error: Error): string => `${error.message}${'stderr' in error ? String(error.stderr) : ''}`
