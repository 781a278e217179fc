/**
 * analysis: turns a window of time and a list of checks into verdicts with their numbers.
 * It asks metric servers (providers/), builds the queries of the built-in metrics (builtin/), fills templates in,
 * and judges; everything but the asking is pure.
 * It must not know Kubernetes clients or routers: what it needs of them comes in as values.
 */
export { type AnalystOptions, createAnalyst } from './analyst.ts'
export type { GuardReader, GuardWatch, Suspicion } from './guard/port.ts'
export { createGuardReader, type GuardReaderOptions } from './guard/reader.ts'
export type { JobRunner, JobState, WantedJob } from './jobs.ts'
export { queryOf } from './measure-template.ts'
export type { Analyst, Check, Measured, MeasureRequest, Subject } from './port.ts'
export type { Answer } from './provider.ts'
export { type Replay, replayRun } from './replay.ts'
export type { SecretReader } from './secrets.ts'
export { wilsonInterval } from './statistics/interval.ts'
export { namesIn } from './template.ts'
