import semver from 'semver'
import { runCommand } from './run-command.ts'
import type { Environment, Tool } from './tool.ts'

/** Asks a binary for its version. Throws, with the reason, when it is none that the platform works with. */
export async function checkVersion(
  tool: Tool,
  path: string,
  context: { readonly environment: Environment; readonly signal: AbortSignal },
): Promise<string> {
  const printed = await runCommand({ command: path, args: ['--version'], timeoutMs: 20_000, ...context })
  const version = tool.versionPattern.exec(printed)?.[1]
  if (version === undefined) throw new Error(`${path} --version does not look like ${tool.name}`)
  if (!semver.satisfies(version, tool.accepts)) {
    throw new Error(`${path} is version ${version}, needed is ${tool.accepts}`)
  }
  return version
}
