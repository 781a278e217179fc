import type { Registry } from 'prom-client'
import { type Canary, canaryKind, flaggerCanaryKind, type ResourceKind } from '../../api/index.ts'
import {
  type ControllerOptions,
  combineMetrics,
  createFlaggerMetrics,
  createMetrics,
  startController,
} from '../../controller/index.ts'
import { createFlaggerClient, findFlaggerLease } from '../../flagger/index.ts'
import { createReflector } from '../../kube/index.ts'
import { runTogether } from '../../runtime/index.ts'
import { CommandError } from '../exit-codes.ts'

export interface FlaggerCompatOptions {
  readonly enabled: boolean
  /** Namespace in which Flagger keeps its lease. */
  readonly leaseNamespace: string
}

type Options = Omit<ControllerOptions, 'metrics' | 'rivals'> & { readonly registry: Registry }

/** The controller, and beside it one for Flagger's objects where that is wanted: each knows whom the other releases. */
export async function startControllers(
  options: Options,
  flagger: FlaggerCompatOptions,
  signal: AbortSignal,
): Promise<void> {
  const own = createMetrics(options.registry)
  if (!flagger.enabled) return startController({ ...options, metrics: own }, signal)
  await refuseWhileFlaggerRuns(options, flagger)
  const metrics = combineMetrics([own, createFlaggerMetrics(options.registry)])
  const reflect = (kind: ResourceKind<Canary>) => createReflector<Canary>({ ...options, kind })
  const canaries = reflect(canaryKind)
  const flaggerCanaries = reflect(flaggerCanaryKind)
  const { guard: _, ...unguarded } = options
  await runTogether(signal, [
    canaries.start,
    flaggerCanaries.start,
    (running) => startController({ ...options, metrics, rivals: flaggerCanaries }, running),
    (running) => {
      const client = createFlaggerClient(options.client)
      return startController({ ...unguarded, client, metrics, rivals: canaries }, running)
    },
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
