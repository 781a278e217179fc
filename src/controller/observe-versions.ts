import type { Canary, Service } from '../api/index.ts'
import { type Keep, keepLast, remember } from '../base/index.ts'
import type { Observation, RouteFacts, ServiceFacts } from '../canary/index.ts'
import { serviceNamesOf } from '../traffic/index.ts'
import type { TrackedConfigs } from './config/tracker.ts'
import type { LocalCopies } from './local-copies.ts'
import { copyFacts, primaryServiceFacts, targetServiceFacts, type Version } from './service-target/facts.ts'
import { isServiceAsWanted, planServices, type ServicePlan } from './services.ts'
import { primaryFacts, targetFacts } from './workload/facts.ts'
import { serviceOf, type Target, type Workload, workloadOf } from './workload/workload.ts'

export interface Versions {
  readonly copies: LocalCopies
  readonly canary: Canary
  readonly target: Target | undefined
  readonly primary: Target | undefined
  readonly configs: TrackedConfigs
  /** Revision of a primary that does not say it. */
  readonly unmarked: string | undefined
  readonly route: RouteFacts
}

type VersionFacts = Pick<Observation, 'target' | 'primary' | 'services'>

/** Both versions and the Services that lead to them. */
export const observeVersions = (versions: Versions): VersionFacts =>
  versions.canary.spec.targetRef.kind === 'Service' ? observeServiceTarget(versions) : observeWorkloads(versions)

function observeWorkloads({ copies, canary, configs, unmarked, ...versions }: Versions): VersionFacts {
  const { canaryReadyThreshold, primaryReadyThreshold } = canary.spec.analysis
  const target = workloadOf(versions.target)
  const primary = workloadOf(versions.primary)
  return {
    target: target && targetFacts(target, configs, canaryReadyThreshold),
    primary: primary && primaryFacts(primary, primaryReadyThreshold, unmarked),
    services: observeServices(copies, canary, target, primary),
  }
}

function observeServices(
  copies: LocalCopies,
  canary: Canary,
  target: Workload | undefined,
  primary: Workload | undefined,
): ServiceFacts {
  // Without the workload nobody knows what to select: the Services stay as they are.
  if (target === undefined) return untouched
  const { namespace, name, uid } = canary.metadata
  const services = Object.values(serviceNamesOf(canary)).map((service) =>
    copies.services.get({ namespace, name: service }),
  )
  const compared = [canary.spec, name, uid, primary?.spec, ...services]
  return keptServices(target.spec)(compared, () => compareServices(canary, target, primary, services))
}

const keptServices = remember((_: Workload['spec']): Keep<ServiceFacts> => keepLast())

function compareServices(
  canary: Canary,
  target: Workload,
  primary: Workload | undefined,
  services: readonly (Service | undefined)[],
): ServiceFacts {
  const plans = planServices(canary, target, primary)
  if (plans === undefined) return untouched
  const isReady = (plan: ServicePlan) =>
    isServiceAsWanted(
      canary,
      plan,
      services.find((service) => service?.metadata.name === plan.name),
    )
  return { areBackendsReady: plans.backends.every(isReady), isApexReady: isReady(plans.apex) }
}

const untouched: ServiceFacts = { areBackendsReady: true, isApexReady: true }

function observeServiceTarget({ copies, canary, route, ...versions }: Versions): VersionFacts {
  const { canaryReadyThreshold, primaryReadyThreshold } = canary.spec.analysis
  const names = serviceNamesOf(canary)
  const target = serviceOf(versions.target)
  const primary = serviceOf(versions.primary)
  const copy = versionOf(copies, canary, names.canary, canaryReadyThreshold)
  return {
    target: target && targetServiceFacts(canary, target, copy),
    primary: primary && primaryServiceFacts(primary, versionOf(copies, canary, names.primary, primaryReadyThreshold)),
    services: target ? copyFacts({ canary, target, copy, route }) : untouched,
  }
}

function versionOf(copies: LocalCopies, { metadata }: Canary, name: string, threshold: number): Version {
  const { namespace } = metadata
  const slices = copies.endpointSlices.list(namespace)
  return { service: copies.services.get({ namespace, name }), slices, threshold }
}
