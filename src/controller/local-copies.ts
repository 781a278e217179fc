import {
  type Canary,
  type CanaryRun,
  canaryKind,
  canaryRunKind,
  clusterMetricTemplateKind,
  type DaemonSet,
  type Deployment,
  daemonSetKind,
  deploymentKind,
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
export interface LocalCopies {
  /** Canaries that another controller releases. */
  readonly rivals?: Reflector<Canary> | undefined
  readonly canaries: Reflector<Canary>
  readonly runs: Reflector<CanaryRun>
  readonly deployments: Reflector<Deployment>
  readonly daemonSets: Reflector<DaemonSet>
  readonly services: Reflector<Service>
  /** Of the Services that are copies of a released Service: all others would be the half of a cluster. */
  readonly endpointSlices: Reflector<EndpointSlice>
  readonly virtualServices: Reflector<VirtualService>
  readonly templates: Reflector<MetricTemplate>
  readonly clusterTemplates: Reflector<MetricTemplate>
  /** Their metadata. */
  readonly namespaces: Reflector<KubernetesObject>
  readonly configs: ConfigTracker
  readonly autoscalers: AutoscalerWatches
  readonly usersOf: FindUsers
  /** Those of them that another controller releases. */
  readonly rivalsOf: FindUsers
  /** Canaries of a namespace that wait for their turn, or for a gate. */
  readonly waitingIn: (namespace: string) => readonly Canary[]
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
  /** Canaries that another controller releases. */
  readonly rivals: Reflector<Canary> | undefined
}

export function createLocalCopies(options: LocalCopyOptions): LocalCopies {
  const { client, clock, log, random, namespace, tracking, rivals } = options
  const scope = namespace === undefined ? {} : { namespace }
  const reflector = <T extends KubernetesObject>(kind: ResourceKind<T>): Reflector<T> =>
    createReflector<T>({ client, kind, clock, log, random, ...scope })
  const canaries = reflector<Canary>(canaryKind)
  const runs = reflector<CanaryRun>(canaryRunKind)
  return {
    ...(rivals && { rivals }),
    canaries,
    runs,
    deployments: reflector(deploymentKind),
    daemonSets: reflector(daemonSetKind),
    services: reflector(serviceKind),
    endpointSlices: createReflector({
      client,
      kind: endpointSliceKind,
      clock,
      log,
      random,
      labelSelector: revisionLabel,
      ...scope,
    }),
    virtualServices: reflector(virtualServiceKind),
    templates: reflector(metricTemplateKind),
    clusterTemplates: createReflector({ client, kind: clusterMetricTemplateKind, clock, log, random }),
    namespaces: createReflector<KubernetesObject>({
      client,
      kind: namespaceKind,
      clock,
      log,
      random,
      metadataOnly: true,
      ...(namespace === undefined ? {} : { fieldSelector: `metadata.name=${namespace}` }),
    }),
    autoscalers: createAutoscalerWatches({ client, clock, log, random, ...scope }),
    configs: createConfigTracker({ client, clock, log, random, tracking, ...scope }),
    usersOf: createFindUsers(canaries),
    rivalsOf: rivals ? createFindUsers(rivals) : () => [],
    waitingIn: canaries.indexBy(({ metadata, status }) =>
      status?.phase === 'Waiting' ? [metadata.namespace ?? ''] : [],
    ),
    runsOf: runs.indexBy(({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid)),
  }
}

export const allOf = (copies: LocalCopies): readonly Pick<Reflector<KubernetesObject>, 'start' | 'synced'>[] => [
  copies.canaries,
  copies.runs,
  copies.deployments,
  copies.daemonSets,
  copies.services,
  copies.endpointSlices,
  copies.virtualServices,
  copies.templates,
  copies.clusterTemplates,
  copies.namespaces,
  ...Object.values(copies.autoscalers),
  ...configKinds.flatMap((kind) => copies.configs.metadataOf(kind) ?? []),
]
