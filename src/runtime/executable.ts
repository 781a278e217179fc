import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'

/** Finds a command as execvp would: a path as it is, a bare name on PATH. Undefined when there is none. */
export function findExecutable(
  command: string,
  from: { readonly path?: string | undefined; readonly cwd?: string | undefined },
): string | undefined {
  const base = from.cwd ?? '.'
  if (command.includes('/')) return firstExecutable([resolve(base, command)])
  const directories = (from.path ?? '').split(delimiter).filter((directory) => directory !== '')
  return firstExecutable(directories.map((directory) => resolve(base, directory, command)))
}

const firstExecutable = (paths: readonly string[]): string | undefined => paths.find(isExecutable)

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
