import {
  type Canary,
  type CanaryRun,
  canaryKind,
  canaryRunKind,
  clusterMetricTemplateKind,
  type DaemonSet,
  type Deployment,
  type DestinationRule,
  daemonSetKind,
  deploymentKind,
  destinationRuleKind,
  type EndpointSlice,
  endpointSliceKind,
  type KubernetesObject,
  type MetricTemplate,
  metricTemplateKind,
  namespaceKind,
  type ResourceKind,
  type Service,
  serviceKind,
  type VirtualService,
  virtualServiceKind,
} from '../api/index.ts'
import { createReflector, type KubeClient, type Random, type Reflector } from '../kube/index.ts'
import type { Clock, Logger } from '../runtime/index.ts'
import { type AutoscalerWatches, createAutoscalerWatches } from './autoscaler/watches.ts'
import { configKinds } from './config/references.ts'
import { type ConfigTracker, type ConfigTracking, createConfigTracker } from './config/tracker.ts'
import { revisionLabel } from './service-target/copy.ts'
import { createFindUsers, type FindUsers } from './users.ts'

/** What the controller watches: every read of a pass comes from here. */
export interface LocalCopies extends SharedCopies, GroupCopies {
  /** Canaries that another controller releases. */
  readonly rivals?: Reflector<Canary> | undefined
  /** Those of them that name an object. */
  readonly rivalsOf: FindUsers
}

/** The objects of one API group, which one controller releases. */
export interface GroupCopies {
  readonly canaries: Reflector<Canary>
  readonly templates: Reflector<MetricTemplate>
  readonly usersOf: FindUsers
  /** Canaries of a namespace that wait for their turn, or for a gate. */
  readonly waitingIn: (namespace: string) => readonly Canary[]
}

/** What controllers of one process watch together, whatever group their Canaries are of. */
export interface SharedCopies {
  readonly runs: Reflector<CanaryRun>
  readonly deployments: Reflector<Deployment>
  readonly daemonSets: Reflector<DaemonSet>
  readonly services: Reflector<Service>
  /** Of the Services that are copies of a released Service: all others would be the half of a cluster. */
  readonly endpointSlices: Reflector<EndpointSlice>
  readonly virtualServices: Reflector<VirtualService>
  readonly destinationRules: Reflector<DestinationRule>
  readonly clusterTemplates: Reflector<MetricTemplate>
  /** Their metadata. */
  readonly namespaces: Reflector<KubernetesObject>
  readonly configs: ConfigTracker
  readonly autoscalers: AutoscalerWatches
  /** Runs that name this uid as their owner. */
  readonly runsOf: (uid: string) => readonly CanaryRun[]
}

export interface LocalCopyOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  readonly namespace?: string | undefined
  readonly tracking: ConfigTracking
}

type Watched = Pick<Reflector<KubernetesObject>, 'start' | 'synced'>

export const createLocalCopies = (options: LocalCopyOptions): LocalCopies =>
  joinCopies(createSharedCopies(options), createGroupCopies(options))

/** What one controller works on, beside another one that releases the rivals. */
export const joinCopies = (shared: SharedCopies, group: GroupCopies, rivals?: GroupCopies): LocalCopies => ({
  ...shared,
  ...group,
  ...(rivals && { rivals: rivals.canaries }),
  rivalsOf: rivals?.usersOf ?? (() => []),
})

export const watchesOf = (copies: LocalCopies): readonly Watched[] => [
  ...watchesOfGroup(copies),
  ...watchesOfShared(copies),
]

/** The client may show objects of another group as these. */
export function createGroupCopies(options: LocalCopyOptions): GroupCopies {
  const canaries = reflectorOf(options, canaryKind)
  return {
    canaries,
    templates: reflectorOf(options, metricTemplateKind),
    usersOf: createFindUsers(canaries),
    waitingIn: canaries.indexBy(({ metadata, status }) =>
      status?.phase === 'Waiting' ? [metadata.namespace ?? ''] : [],
    ),
  }
}

export const watchesOfGroup = ({ canaries, templates }: GroupCopies): readonly Watched[] => [canaries, templates]

const reflectorOf = <T extends KubernetesObject>(
  { client, clock, log, random, namespace }: LocalCopyOptions,
  kind: ResourceKind<T>,
): Reflector<T> => createReflector<T>({ client, kind, clock, log, random, namespace })

export function createSharedCopies(options: LocalCopyOptions): SharedCopies {
  const { client, clock, log, random, namespace, tracking } = options
  const common = { client, clock, log, random }
  const scoped = { ...common, ...(namespace === undefined ? {} : { namespace }) }
  const runs = reflectorOf(options, canaryRunKind)
  return {
    runs,
    runsOf: runs.indexBy(({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid)),
    deployments: reflectorOf(options, deploymentKind),
    daemonSets: reflectorOf(options, daemonSetKind),
    services: reflectorOf(options, serviceKind),
    endpointSlices: createReflector({ ...scoped, kind: endpointSliceKind, labelSelector: revisionLabel }),
    virtualServices: reflectorOf(options, virtualServiceKind),
    destinationRules: reflectorOf(options, destinationRuleKind),
    clusterTemplates: createReflector({ ...common, kind: clusterMetricTemplateKind }),
    namespaces: createReflector<KubernetesObject>({
      ...common,
      kind: namespaceKind,
      metadataOnly: true,
      ...(namespace === undefined ? {} : { fieldSelector: `metadata.name=${namespace}` }),
    }),
    autoscalers: createAutoscalerWatches(scoped),
    configs: createConfigTracker({ ...scoped, tracking }),
  }
}

export const watchesOfShared = (copies: SharedCopies): readonly Watched[] => [
  copies.runs,
  copies.deployments,
  copies.daemonSets,
  copies.services,
  copies.endpointSlices,
  copies.virtualServices,
  copies.destinationRules,
  copies.clusterTemplates,
  copies.namespaces,
  ...Object.values(copies.autoscalers),
  ...configKinds.flatMap((kind) => copies.configs.metadataOf(kind) ?? []),
]
