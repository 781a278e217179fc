import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf'
import type { ServiceIdentity, WorkloadIdentity } from '../model/index.ts'
import {
  type AccessLog,
  type AccessLogFilterSchema,
  AccessLogSchema,
  AccessLogType,
  ExpressionFilterSchema,
} from './api.ts'
import { extension } from './messages.ts'
import { jsonLog, type Observability, upstreamService } from './observability.ts'
import { countersLog, destinationTags, sourceTags, type Tags } from './telemetry.ts'

type Filter = MessageInitShape<typeof AccessLogFilterSchema>

/** Istio's metrics of connections as the proxy of the workload that connects counts them. */
export const sourceConnectionLogs = (source: WorkloadIdentity): readonly AccessLog[] =>
  connectionLogs(sourceTags(source))

/** The same as the proxy of the workload that is connected to counts them. */
export const destinationConnectionLogs = (
  destination: WorkloadIdentity,
  service: ServiceIdentity | undefined,
  isMutualTls: boolean,
): readonly AccessLog[] => connectionLogs(destinationTags(destination, service, isMutualTls))

function connectionLogs(common: Tags): readonly AccessLog[] {
  const tags: Tags = [...common, ['response_flags', '%RESPONSE_FLAGS%'], ['request_protocol', 'tcp']]
  return [
    countersLog([{ name: 'istio_tcp_connections_opened_total', tags }], opened),
    countersLog(
      [
        { name: 'istio_tcp_connections_closed_total', tags },
        { name: 'istio_tcp_sent_bytes_total', tags, valueFormat: '%BYTES_SENT%' },
        { name: 'istio_tcp_received_bytes_total', tags, valueFormat: '%BYTES_RECEIVED%' },
      ],
      ended,
    ),
  ]
}

const ofType = (type: AccessLogType): Filter => ({
  filterSpecifier: { case: 'logTypeFilter', value: { types: [type] } },
})

const ended = ofType(AccessLogType.TcpConnectionEnd)

const neverConnected: Filter = {
  filterSpecifier: {
    case: 'extensionFilter',
    value: extension('envoy.access_loggers.extension_filters.cel', ExpressionFilterSchema, {
      expression: '!has(upstream.local_address)',
    }),
  },
}

/** One that never reached anybody was opened all the same. A logger for each would be twice the memory. */
const opened: Filter = {
  filterSpecifier: {
    case: 'orFilter',
    value: {
      filters: [
        ofType(AccessLogType.TcpUpstreamConnected),
        { filterSpecifier: { case: 'andFilter', value: { filters: [ended, neverConnected] } } },
      ],
    },
  },
}

/** One JSON line a connection when it ends. `service` is where it leads; that of the cluster when absent. */
export function connectionAccessLogs({ accessLog = false }: Observability, service?: string): readonly AccessLog[] {
  if (!accessLog) return []
  const fields: JsonObject = {
    start_time: '%START_TIME%',
    protocol: 'tcp',
    duration: '%DURATION%',
    bytes_received: '%BYTES_RECEIVED%',
    bytes_sent: '%BYTES_SENT%',
    response_flags: '%RESPONSE_FLAGS%',
    upstream_service: upstreamService(service),
  }
  return [create(AccessLogSchema, { ...jsonLog(fields), filter: ended })]
}
