import { type DestinationStream, pino } from 'pino'

/** A structured log: `log.info({ canary: 'default/web' }, 'weight raised')`. Never pass a secret as a field. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}

export interface LogOptions {
  readonly level?: string
  readonly name: string
  /** Where lines go; standard error when absent, since standard output carries data. */
  readonly destination?: DestinationStream
}

/** JSON lines with the keys level, ts, name and msg, as Flagger's users grep for. */
export function createLogger(options: LogOptions): Logger {
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      base: null,
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['token', '*.token', 'password', '*.password', 'authorization', '*.authorization'] },
    },
    options.destination ?? pino.destination(2),
  )
}

/** A log that says nothing: for tests and for library use. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
