import type { Canary, CanaryRun, KubernetesObject } from '../api/index.ts'
import type { Observation, RouteFacts, ServiceFacts } from '../canary/index.ts'
import type { Router, Routers, TrafficObservation } from '../traffic/index.ts'
import { autoscalerFacts, type FoundAutoscaler, findAutoscaler } from './autoscaler/observe.ts'
import { surplusCopies } from './config/copies.ts'
import type { TrackedConfigs } from './config/tracker.ts'
import type { LocalCopies } from './local-copies.ts'
import type { ReferencePolicy } from './references.ts'
import { findRefusal } from './refusals.ts'
import { isServiceAsWanted, planServices } from './services.ts'
import { primaryFacts, targetFacts } from './workload/facts.ts'
import { primaryNameOf } from './workload/primary.ts'
import { selectorLabelOf } from './workload/selector-label.ts'
import { findTarget, findWorkload, templateOf, type Workload } from './workload/workload.ts'

export interface ObserveOptions {
  readonly copies: LocalCopies
  readonly routers: Routers
  readonly defaultProvider: keyof Routers
  readonly policy: ReferencePolicy
}

/** Everything of one pass, from the local copies: nothing is asked but the content of a ConfigMap or Secret that changed. */
export interface Gathered {
  readonly observation: Omit<Observation, 'answers'>
  readonly target: Workload | undefined
  readonly primary: Workload | undefined
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
  const configs = target ? await copies.configs.track(namespace, templateOf(target)) : new Map()
  const primary = findWorkload(copies, canary, primaryNameOf(canary))
  const router = routers[canary.spec.provider ?? defaultProvider]
  const route = router.observe(canary)
  const autoscaler = findAutoscaler(copies.autoscalers, canary)
  const surplus = surplusCopies(copies.configs, canary, primary)
  const observation: Gathered['observation'] = {
    now,
    canary,
    target: target && targetFacts(target, configs, canary.spec.analysis.canaryReadyThreshold),
    primary: primary && primaryFacts(primary, canary.spec.analysis.primaryReadyThreshold),
    services: observeServices(copies, canary, target),
    route: routeFacts(route),
    runs: runsOf(copies, canary).map(runFacts),
    autoscaler: autoscalerFacts(canary, autoscaler),
    hasSurplusCopies: surplus.length > 0,
    refusal: findRefusal({ canary, target, route, copies, policy }),
  }
  return { observation, target, primary, configs, autoscaler, surplusCopies: surplus, router, route }
}

function observeServices(copies: LocalCopies, canary: Canary, target: Workload | undefined): ServiceFacts {
  const label = target && selectorLabelOf(target)
  // Without the workload nobody knows what to select: the Services stay as they are.
  if (label === undefined) return { areBackendsReady: true, isApexReady: true }
  const { apex, backends } = planServices(canary, label)
  const { namespace } = canary.metadata
  const isReady = (plan: typeof apex) =>
    isServiceAsWanted(canary, plan, copies.services.get({ namespace, name: plan.name }))
  return { areBackendsReady: backends.every(isReady), isApexReady: isReady(apex) }
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
  copies.runs
    .list(metadata.namespace)
    .filter((run) => run.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true)

const runFacts = ({ metadata, spec, status }: CanaryRun) => ({
  name: metadata.name,
  revision: spec.revision,
  isFresh: status === undefined,
  ...(status?.phase === 'Succeeded' && status.endedAt !== undefined ? { promotedAt: Date.parse(status.endedAt) } : {}),
})
