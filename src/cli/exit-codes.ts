/** Documented in --help and in docs/cli.md; scripts rely on them. */
export const exitCodes = {
  succeeded: 0,
  failed: 1,
  usage: 2,
  rolledBack: 3,
  checkFailed: 3,
  timedOut: 4,
  notFound: 5,
  superseded: 6,
  interrupted: 130,
} as const

/** Thrown when a command ends with a message for the user: one line, the cause and the next step. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}
