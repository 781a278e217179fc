import { type Canary, type EndpointSlice, isReadyEndpoint, type Service, serviceNameLabel } from '../../api/index.ts'
import { type RouteFacts, revisionOfService, type ServiceFacts, type WorkloadFacts } from '../../canary/index.ts'
import { isCopyOf, revisionLabel } from './copy.ts'

/** A version of a released Service, with the EndpointSlices of its namespace. */
export interface Version {
  readonly service: Service | undefined
  readonly slices: readonly EndpointSlice[]
  /** Percentage of its endpoints that must be ready. */
  readonly threshold: number
}

interface Endpoints {
  /** They follow the newest selector. */
  readonly areCurrent: boolean
  readonly all: number
  readonly ready: number
}

/** The new version: what the user's Service says, and whether the copy that gets its share of the requests leads there. */
export const targetServiceFacts = (canary: Canary, target: Service, copy: Version): WorkloadFacts => ({
  ...versionFacts(target, endpointsOf(copy), copy.threshold),
  ...(isCopyOf(canary, target, copy.service) ? {} : { isReady: false }),
})

export const primaryServiceFacts = (primary: Service, version: Version): WorkloadFacts => ({
  ...versionFacts(primary, endpointsOf(version), version.threshold),
  ...(revisionIn(primary) === undefined && { isUnmarked: true }),
})

/** Its pods are released by nobody here: they are there or not. */
function versionFacts(service: Service, { areCurrent, all, ready }: Endpoints, threshold: number): WorkloadFacts {
  return {
    revision: revisionOfService(service),
    images: [describeService(service)],
    replicas: 0,
    readyReplicas: ready,
    isReady: areCurrent && ready >= Math.max(1, Math.floor((all * threshold) / 100)),
    hasForeignPods: true,
  }
}

/** Where it leads, as `app=web,version=2`. */
const describeService = ({ spec }: Service): string =>
  spec.externalName ??
  Object.entries(spec.selector ?? {})
    .map((pair) => pair.join('='))
    .sort()
    .join(',')

function endpointsOf({ service, slices }: Version): Endpoints {
  if (service === undefined) return { areCurrent: false, all: 0, ready: 0 }
  // Nobody knows whether another host answers: the checks will tell.
  if (service.spec.type === 'ExternalName') return { areCurrent: true, all: 1, ready: 1 }
  const own = slices.filter((slice) => isOf(slice, service))
  const living = own.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => !conditions?.terminating)
  return {
    areCurrent: own.length > 0 && own.every((slice) => revisionIn(slice) === revisionIn(service)),
    all: living.length,
    ready: living.filter(isReadyEndpoint).length,
  }
}

const isOf = ({ metadata }: EndpointSlice, service: Service): boolean =>
  metadata.labels?.[serviceNameLabel] === service.metadata.name

const revisionIn = ({ metadata }: Service | EndpointSlice): string | undefined => metadata.labels?.[revisionLabel]

export const hasReadyEndpoint = (slices: readonly EndpointSlice[]): boolean =>
  slices.some(({ endpoints }) => (endpoints ?? []).some(isReadyEndpoint))

interface Following {
  readonly canary: Canary
  readonly target: Service
  readonly copy: Version
  readonly route: RouteFacts
}

/**
 * The copy of the new version follows the user's Service, but not while requests of an older revision go there: those are
 * taken away first. The apex Service is the user's own.
 */
export function copyFacts({ canary, target, copy, route }: Following): ServiceFacts {
  const mustWait = canary.metadata.deletionTimestamp === undefined && isServing(copy, route)
  return { areBackendsReady: isCopyOf(canary, target, copy.service) || mustWait, isApexReady: true }
}

function isServing(copy: Version, { traffic, isProgrammed }: RouteFacts): boolean {
  if (traffic === undefined || endpointsOf(copy).ready === 0) return false
  return traffic.canary > 0 || traffic.mirror > 0 || !isProgrammed
}
