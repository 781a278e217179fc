import type { Registry } from 'prom-client'
import {
  type ControllerOptions,
  combineMetrics,
  createFlaggerMetrics,
  createGroupCopies,
  createMetrics,
  createSharedCopies,
  createTurns,
  joinCopies,
  startController,
  trackEverything,
  watchesOfGroup,
  watchesOfShared,
} from '../../controller/index.ts'
import { createFlaggerClient, findFlaggerLease } from '../../flagger/index.ts'
import { runTogether } from '../../runtime/index.ts'
import { CommandError } from '../exit-codes.ts'

export interface FlaggerCompatOptions {
  readonly enabled: boolean
  /** Namespace in which Flagger keeps its lease. */
  readonly leaseNamespace: string
}

type Options = Omit<ControllerOptions, 'metrics' | 'copies' | 'turns'> & { readonly registry: Registry }

/** The controller, and beside it one for Flagger's objects where that is wanted: what both look at is watched once. */
export async function startControllers(
  options: Options,
  flagger: FlaggerCompatOptions,
  signal: AbortSignal,
): Promise<void> {
  const metrics = createMetrics(options.registry)
  if (!flagger.enabled) return startController({ ...options, metrics }, signal)
  await refuseWhileFlaggerRuns(options, flagger)
  const watching = { ...options, namespace: options.namespace, tracking: options.tracking ?? trackEverything }
  const shared = createSharedCopies(watching)
  const own = createGroupCopies(watching)
  const client = createFlaggerClient(options.client)
  const theirs = createGroupCopies({ ...watching, client })
  const common = { metrics: combineMetrics([metrics, createFlaggerMetrics(options.registry)]), turns: createTurns() }
  const { guard: _, ...unguarded } = options
  await runTogether(signal, [
    ...[...watchesOfShared(shared), ...watchesOfGroup(own), ...watchesOfGroup(theirs)].map(({ start }) => start),
    (running) => startController({ ...options, ...common, copies: joinCopies(shared, own, theirs) }, running),
    (running) => startController({ ...unguarded, ...common, client, copies: joinCopies(shared, theirs, own) }, running),
  ])
}

/** Two controllers on one Canary would undo each other's weights. */
async function refuseWhileFlaggerRuns(
  { client, clock }: Options,
  { leaseNamespace }: FlaggerCompatOptions,
): Promise<void> {
  const holder = await findFlaggerLease(client, leaseNamespace, clock.now())
  if (holder === undefined) return
  throw new CommandError(
    `Flagger runs: ${holder} holds its lease. Scale Flagger to 0 before --flagger-compat takes its Canaries over`,
  )
}
