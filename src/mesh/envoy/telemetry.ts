import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf'
import { create } from '@bufbuild/protobuf'
import { type MetricName, type ServiceIdentity, spiffeId, type WorkloadIdentity } from '../model/index.ts'
import {
  type AccessLog,
  type AccessLogFilterSchema,
  AccessLogSchema,
  HistogramUnit,
  type ScopeSchema,
  type StatSchema,
  StatsLogSchema,
} from './api.ts'
import { coalesce, metadataNamespace } from './formats.ts'
import { extension } from './messages.ts'
import { counted, isEdited, type Tags, tagsOf } from './metric-edits.ts'
import { type PeerField, peerMetadata } from './peer.ts'
import { requestProtocol } from './request-protocol.ts'
import type { SideObservability } from './side-telemetry.ts'

/**
 * Prefix of the metrics' names; Prometheus strips `envoy_mesh_`. The limits hold off label values that clients invent.
 * No sharing_name: with one, Envoy 1.40 crashes when it exits.
 */
const scope: MessageInitShape<typeof ScopeSchema> = { prefix: 'mesh', maxCounters: 20_000, maxHistograms: 10_000 }

export const serviceMetadata = (service: ServiceIdentity): JsonObject => ({
  service: service.host,
  serviceName: service.name,
  serviceNamespace: service.namespace,
})

export const workloadMetadata = (workload: WorkloadIdentity): JsonObject => ({ ...workload })

/** Of a listener: what stands where nothing better is known. */
export const listenerMetadata = (service: ServiceIdentity | undefined): JsonObject => ({
  unknown: 'unknown',
  ...serviceMetadata(service ?? { host: 'unknown', name: 'unknown', namespace: 'unknown' }),
})

/** Istio's metrics as the proxy of the workload that asks counts them. */
export const sourceLogs = (source: WorkloadIdentity, side: SideObservability): readonly AccessLog[] =>
  requestLogs(sourceTags(source), side)

export const sourceTags = (source: WorkloadIdentity): Tags => [
  ['reporter', 'source'],
  ...workloadTags('source', (field) => literal(source[field]), principal('UPSTREAM_LOCAL_URI_SAN')),
  ...workloadTags(
    'destination',
    (field) => orElse(`UPSTREAM_HOST:${metadataNamespace}:${field}`, 'unknown'),
    principal('UPSTREAM_PEER_URI_SAN'),
  ),
  ['destination_service', ofCluster('service')],
  ['destination_service_name', ofCluster('serviceName')],
  ['destination_service_namespace', ofCluster('serviceNamespace')],
  ['connection_security_policy', 'unknown'],
]

/** The same as the proxy of the workload that answers counts them. */
export const destinationLogs = (
  destination: WorkloadIdentity,
  { service, isMutualTls }: Arrival,
  side: SideObservability,
): readonly AccessLog[] => requestLogs(destinationTags(destination, service, isMutualTls), side)

interface Arrival {
  readonly service: ServiceIdentity | undefined
  readonly isMutualTls: boolean
}

export const destinationTags = (
  destination: WorkloadIdentity,
  service: ServiceIdentity | undefined,
  isMutualTls: boolean,
): Tags => [
  ['reporter', 'destination'],
  ...workloadTags(
    'source',
    (field) => orElse(peerMetadata(field), 'unknown', 'DYNAMIC_METADATA'),
    isMutualTls ? principal('DOWNSTREAM_PEER_URI_SAN') : 'unknown',
  ),
  ...workloadTags(
    'destination',
    (field) => literal(destination[field]),
    isMutualTls ? literal(spiffeId(destination)) : 'unknown',
  ),
  ['destination_service', literal(service?.host ?? 'unknown')],
  ['destination_service_name', literal(service?.name ?? 'unknown')],
  ['destination_service_namespace', literal(service?.namespace ?? destination.namespace)],
  ['connection_security_policy', isMutualTls ? 'mutual_tls' : 'none'],
]

function workloadTags(side: 'source' | 'destination', format: (field: PeerField) => string, identity: string): Tags {
  return [
    [`${side}_workload`, format('workload')],
    [`${side}_workload_namespace`, format('namespace')],
    [`${side}_principal`, identity],
    [`${side}_app`, format('app')],
    [`${side}_version`, format('version')],
    [`${side}_cluster`, 'Kubernetes'],
    [`${side}_canonical_service`, format('canonicalService')],
    [`${side}_canonical_revision`, format('canonicalRevision')],
  ]
}

const literal = (text: string): string => text.replaceAll('%', '%%')

/** What the certificate says, where there is one. */
const principal = (command: string): string => coalesce({ command })

const ofCluster = (key: string): string => orElse(`CLUSTER:${metadataNamespace}:${key}`, key)

/** A request that dies before it has an upstream host has no such metadata: the listener's own stands in. */
const orElse = (param: string, listenerKey: string, command = 'METADATA'): string =>
  coalesce({ command, param }, listenerKey)

/** One logger for all: each list of tags costs a listener 20 kB. The status is empty, and so no label, where no call ends. */
function requestLogs(common: Tags, side: SideObservability): readonly AccessLog[] {
  const tags: Tags = [
    ...common,
    ['response_code', '%RESPONSE_CODE%'],
    ['response_flags', '%RESPONSE_FLAGS%'],
    ['grpc_response_status', '%GRPC_STATUS_NUMBER%'],
  ]
  const [counters, histograms] = [counted(requestCounters, side), counted(requestHistograms, side)]
  if (counters.length + histograms.length === 0) return []
  const named = (name: MetricName) => {
    const others = isEdited(name, requestProtocol.name, side) ? [] : [requestProtocol]
    return statOf(name, tagsOf(name, tags, side), others)
  }
  const fields: MessageInitShape<typeof StatsLogSchema> = {
    statsScope: scope,
    counters: counters.map(({ name, ...measured }) => ({ stat: named(name), ...measured })),
    histograms: histograms.map(({ name, ...measured }) => ({ stat: named(name), ...measured })),
  }
  return [create(AccessLogSchema, extension('envoy.access_loggers.stats', StatsLogSchema, fields))]
}

const requestCounters = [{ name: 'istio_requests_total', valueFixed: 1n }] as const

/** Sizes are those of bodies. */
const requestHistograms = [
  { name: 'istio_request_duration_milliseconds', unit: HistogramUnit.Milliseconds, valueFormat: '%DURATION%' },
  { name: 'istio_request_bytes', unit: HistogramUnit.Bytes, valueFormat: '%BYTES_RECEIVED%' },
  { name: 'istio_response_bytes', unit: HistogramUnit.Bytes, valueFormat: '%BYTES_SENT%' },
] as const

type Stat = MessageInitShape<typeof StatSchema>

const statOf = (name: string, tags: Tags, others: NonNullable<Stat['tags']> = []): Stat => ({
  name,
  tags: [...tags.map(([tag, valueFormat]) => ({ name: tag, valueFormat })), ...others],
})

export interface CounterOptions {
  readonly name: MetricName
  readonly tags: Tags
  /** What is added each time; 1 when absent. */
  readonly valueFormat?: string
}

/** Counts whenever the filter lets a line of the access log pass. */
export function countersLog(
  counters: readonly CounterOptions[],
  filter: MessageInitShape<typeof AccessLogFilterSchema>,
): AccessLog {
  const fields: MessageInitShape<typeof StatsLogSchema> = {
    statsScope: scope,
    counters: counters.map(({ name, tags, valueFormat }) => ({
      stat: statOf(name, tags),
      ...(valueFormat === undefined ? { valueFixed: 1n } : { valueFormat }),
    })),
  }
  return create(AccessLogSchema, { ...extension('envoy.access_loggers.stats', StatsLogSchema, fields), filter })
}
