/**
 * runtime: what rooms that act share of the machine: clock, log, child processes.
 * It knows no domain word, and rooms that decide never import it.
 */
export { type Clock, systemClock } from './clock.ts'
export { messageOf } from './errors.ts'
export { createLogger, type Logger, type LogOptions, silentLogger } from './log.ts'
