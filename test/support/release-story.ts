import type {
  Canary,
  CanaryRun,
  CoreEvent,
  Deployment,
  EndpointSlice,
  KubernetesObject,
  VirtualService,
} from '../../src/api/index.ts'
import type { Traffic } from '../../src/traffic/index.ts'
import { readTraffic } from '../../src/traffic/translate.ts'

/** A version of one object, as a watch told of it. */
export interface Told<T extends KubernetesObject> {
  /** Versions of all kinds are one order: that in which the API server took them. */
  readonly version: number
  readonly object: T
  readonly isGone: boolean
  /** Of the story's calls of webhooks, those that were made before this was heard. */
  readonly calls: number
}

export type Change =
  | ({ readonly of: 'canary' } & Told<Canary>)
  | ({ readonly of: 'run' } & Told<CanaryRun>)
  | ({ readonly of: 'route' } & Told<VirtualService>)
  | ({ readonly of: 'workload' } & Told<Deployment>)
  | ({ readonly of: 'slice' } & Told<EndpointSlice>)
  | ({ readonly of: 'event' } & Told<CoreEvent>)

export interface HookCall {
  readonly type: string
  /** Revision under release. */
  readonly checksum: string
}

/** What became of one Canary, `web`, and of what is its own, in the order of the API server. */
export interface Story {
  readonly changes: readonly Change[]
  readonly calls: readonly HookCall[]
}

/** Shares that proxies may have now: those that they acknowledged first, then newer ones. */
export interface Share {
  readonly generation: number
  readonly isAcknowledged: boolean
  /** Undefined where the route is none of Sluice's any more. */
  readonly traffic: Traffic | undefined
}

/** Everything as it stood at one version. */
export interface Moment {
  readonly canary: Canary | undefined
  readonly runs: ReadonlyMap<string, CanaryRun>
  readonly route: VirtualService | undefined
  readonly shares: readonly Share[]
  readonly workloads: ReadonlyMap<string, Deployment>
  readonly slices: ReadonlyMap<string, EndpointSlice>
  readonly events: readonly CoreEvent[]
}

export const beginning: Moment = {
  canary: undefined,
  runs: new Map(),
  route: undefined,
  shares: [],
  workloads: new Map(),
  slices: new Map(),
  events: [],
}

/** The moment after a change. */
export function after(moment: Moment, change: Change): Moment {
  switch (change.of) {
    case 'canary':
      return { ...moment, canary: change.isGone ? undefined : change.object }
    case 'run':
      return { ...moment, runs: changed(moment.runs, change) }
    case 'workload':
      return { ...moment, workloads: changed(moment.workloads, change) }
    case 'slice':
      return { ...moment, slices: changed(moment.slices, change) }
    case 'event':
      return change.isGone ? moment : { ...moment, events: [...moment.events, change.object] }
    case 'route':
      return change.isGone
        ? { ...moment, route: undefined, shares: [] }
        : { ...moment, route: change.object, shares: sharesAfter(moment.shares, change.object) }
    default:
      return change satisfies never
  }
}

function changed<T extends KubernetesObject>(
  known: ReadonlyMap<string, T>,
  { object, isGone }: Told<T>,
): ReadonlyMap<string, T> {
  const next = new Map(known)
  if (isGone) next.delete(object.metadata.name)
  else next.set(object.metadata.name, object)
  return next
}

function sharesAfter(shares: readonly Share[], route: VirtualService): readonly Share[] {
  const { generation = 0 } = route.metadata
  const known = shares.some((share) => share.generation === generation)
    ? shares
    : [...shares, { generation, isAcknowledged: false, traffic: readTraffic(route, names) }]
  const taken = acknowledgedGeneration(route)
  return known
    .filter((share) => share.generation >= taken)
    .map((share) => (share.generation === taken ? { ...share, isAcknowledged: true } : share))
}

function acknowledgedGeneration({ status }: VirtualService): number {
  const programmed = status?.conditions?.find(({ type }) => type === 'Programmed')
  return programmed?.status === 'True' ? (programmed.observedGeneration ?? 0) : 0
}

export const names = { apex: 'web', primary: 'web-primary', canary: 'web-canary' } as const

/** Endpoints of a Service that get requests. */
export const readyEndpoints = ({ slices }: Moment, service: string): number =>
  [...slices.values()]
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false).length

/** What every proxy has, as far as all have the same. */
export const acknowledged = ({ shares }: Moment): Traffic | undefined => {
  const [share] = shares
  return shares.length === 1 && share?.isAcknowledged ? share.traffic : undefined
}
