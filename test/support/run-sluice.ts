import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { feed } from './feed.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface EndedCommand {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs the command line as a user does; `input` is its standard input. */
export function runSluice(words: readonly string[], kubeconfig = '/nowhere', input = ''): Promise<EndedCommand> {
  return new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig }
    const child = execFile(process.execPath, [main, ...words], { env }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    )
    feed(child, input)
  })
}
