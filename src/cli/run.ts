import { CommanderError } from 'commander'
import { messageOf } from '../runtime/index.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { createProgram } from './program.ts'

/** Runs the command line of this process and sets its exit code. */
export async function runCommandLine(): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `| head` closed the pipe: nobody reads any more.
    if (error.code === 'EPIPE') process.exit(0)
  })
  try {
    await createProgram().parseAsync(process.argv)
  } catch (error) {
    process.exitCode = exitCodeOf(error)
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
  process.stderr.write(`sluice: ${messageOf(error)}\n`)
  return error instanceof CommandError ? error.exitCode : exitCodes.failed
}
