/**
 * runtime: what rooms that act share of the machine: clock, log, stop signals, child processes.
 * It knows no domain word, and rooms that decide never import it. A child started here is never left behind: it leads
 * a process group that ends with it, and that ends with this process, however this process dies.
 */
export { runTogether, type SignalSource, type StopSignal, untilAborted, untilSignal } from './abort.ts'
export { type Child, type ChildExit, type ChildOptions, spawnChild } from './child-process.ts'
export { type Clock, systemClock } from './clock.ts'
export { messageOf } from './errors.ts'
export { findExecutable } from './executable.ts'
export { createLogger, type Logger, type LogOptions, silentLogger } from './log.ts'
export {
  createOutbound,
  type Outbound,
  type OutboundOptions,
  type OutboundPost,
  type OutboundResult,
} from './outbound.ts'
export { createWaker, type Waker } from './waker.ts'
