/**
 * controller: runs releases. One pass over a Canary: observe (everything from local copies), decide (room `canary`),
 * perform (each action may be repeated), record (status once, if it changed), then tell (events, notices).
 * It is the only room that runs decisions. It must not know how proxies are configured or where it runs; leader
 * election is the process's affair.
 */
export { checksOf, type FoundCheck, subjectOf } from './checks.ts'
export { combineMetrics, createFlaggerMetrics } from './flagger-metrics.ts'
export { createJobRunner } from './job-runner.ts'
export { createGroupCopies, createSharedCopies, joinCopies, watchesOfGroup, watchesOfShared } from './local-copies.ts'
export { createMetrics } from './metrics.ts'
export { withExplainedRefusals } from './missing-right.ts'
export { createNoticeCounter } from './notice-metrics.ts'
export type { Templates } from './references.ts'
export { createSecretReader } from './secret-reader.ts'
export { type ControllerOptions, startController, trackEverything } from './start-controller.ts'
export { createTurns } from './turns.ts'
