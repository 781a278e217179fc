import type { Canary, CanaryRun, KubernetesObject } from '../api/index.ts'
import type { Observation, RouteFacts } from '../canary/index.ts'
import type { Router, Routers, TrafficObservation } from '../traffic/index.ts'
import { autoscalerFacts, type FoundAutoscaler, findAutoscaler } from './autoscaler/observe.ts'
import { surplusCopies } from './config/copies.ts'
import type { TrackedConfigs } from './config/tracker.ts'
import type { LocalCopies } from './local-copies.ts'
import { observeVersions } from './observe-versions.ts'
import type { ReferencePolicy } from './references.ts'
import { findRefusal } from './refusals.ts'
import { isUnmarked, revisionOfUnmarked } from './workload/adoption.ts'
import { primaryNameOf } from './workload/primary.ts'
import { findTarget, type Target, templateOf, type Workload, workloadOf } from './workload/workload.ts'

export interface ObserveOptions {
  readonly copies: LocalCopies
  readonly routers: Routers
  readonly defaultProvider: keyof Routers
  readonly policy: ReferencePolicy
}

/** Everything of one pass, from the local copies: nothing is asked but the content of a ConfigMap or Secret that changed. */
export interface Gathered {
  readonly observation: Omit<Observation, 'answers'>
  readonly target: Target | undefined
  readonly primary: Target | undefined
  /** What the target reads. */
  readonly configs: TrackedConfigs
  readonly autoscaler: FoundAutoscaler | undefined
  readonly surplusCopies: readonly KubernetesObject[]
  readonly router: Router
  readonly route: TrafficObservation
}

export async function gather(options: ObserveOptions, canary: Canary, now: number): Promise<Gathered> {
  const { copies, routers, defaultProvider, policy } = options
  const { namespace } = canary.metadata
  const target = findTarget(copies, canary)
  const workload = workloadOf(target)
  const configs = workload ? await copies.configs.track(namespace, templateOf(workload)) : new Map()
  const primary = findTarget(copies, canary, primaryNameOf(canary))
  const unmarked = await findUnmarkedRevision(copies, workload, workloadOf(primary))
  const provider = canary.spec.provider ?? defaultProvider
  const router = routers[provider]
  const route = router.observe(canary)
  const autoscaler = findAutoscaler(copies.autoscalers, canary)
  const surplus = surplusCopies(copies.configs, canary, workloadOf(primary))
  const observation: Gathered['observation'] = {
    now,
    canary,
    ...observeVersions({ copies, canary, target, primary, configs, unmarked, route: routeFacts(route) }),
    route: routeFacts(route),
    runs: runsOf(copies, canary).map(runFacts),
    autoscaler: autoscalerFacts(canary, autoscaler),
    hasSurplusCopies: surplus.length > 0,
    refusal: findRefusal({ canary, target, route, copies, policy, provider }),
  }
  return { observation, target, primary, configs, autoscaler, surplusCopies: surplus, router, route }
}

/** What a primary runs that does not say it; undefined where it does. */
async function findUnmarkedRevision(
  copies: LocalCopies,
  target: Workload | undefined,
  primary: Workload | undefined,
): Promise<string | undefined> {
  if (target === undefined || primary === undefined || !isUnmarked(primary)) return undefined
  const configs = await copies.configs.track(primary.metadata.namespace, templateOf(primary))
  return revisionOfUnmarked(primary, target, configs)
}

const routeFacts = ({ traffic, current, programmed, programmedAt, message }: TrafficObservation): RouteFacts => ({
  traffic,
  isCurrent: current,
  isProgrammed: programmed,
  programmedAt: programmedAt === undefined ? undefined : Date.parse(programmedAt),
  message,
})

/** Runs of this very Canary: one of the same name that was deleted may have left some. */
export const runsOf = (copies: LocalCopies, { metadata }: Canary): readonly CanaryRun[] =>
  metadata.uid === undefined ? [] : copies.runsOf(metadata.uid)

const runFacts = ({ metadata, spec, status }: CanaryRun) => ({
  name: metadata.name,
  revision: spec.revision,
  isFresh: status === undefined,
  ...(status?.phase === 'Succeeded' && status.endedAt !== undefined ? { promotedAt: Date.parse(status.endedAt) } : {}),
})
