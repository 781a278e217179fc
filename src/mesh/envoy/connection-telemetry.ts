import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf'
import type { ServiceIdentity, WorkloadIdentity } from '../model/index.ts'
import { type AccessLog, type AccessLogFilterSchema, AccessLogSchema, AccessLogType } from './api.ts'
import { counted, type Tags, tagsOf } from './metric-edits.ts'
import { celFilter, jsonLog, upstreamService } from './observability.ts'
import type { SideObservability } from './side-telemetry.ts'
import { type CounterOptions, countersLog, destinationTags, sourceTags } from './telemetry.ts'

type Filter = MessageInitShape<typeof AccessLogFilterSchema>

/** Istio's metrics of connections as the proxy of the workload that connects counts them. */
export const sourceConnectionLogs = (source: WorkloadIdentity, side: SideObservability): readonly AccessLog[] =>
  connectionLogs(sourceTags(source), side)

/** The same as the proxy of the workload that is connected to counts them. */
export const destinationConnectionLogs = (
  destination: WorkloadIdentity,
  { service, isMutualTls }: { readonly service: ServiceIdentity | undefined; readonly isMutualTls: boolean },
  side: SideObservability,
): readonly AccessLog[] => connectionLogs(destinationTags(destination, service, isMutualTls), side)

function connectionLogs(common: Tags, side: SideObservability): readonly AccessLog[] {
  const tags: Tags = [...common, ['response_flags', '%RESPONSE_FLAGS%'], ['request_protocol', 'tcp']]
  const log = (counters: readonly Counter[], filter: Filter): readonly AccessLog[] => {
    const own = counted(counters, side).map((counter) => ({ ...counter, tags: tagsOf(counter.name, tags, side) }))
    return own.length === 0 ? [] : [countersLog(own, filter)]
  }
  return [...log(countedAtStart, opened), ...log(countedAtEnd, ended)]
}

type Counter = Omit<CounterOptions, 'tags'>

const countedAtStart: readonly Counter[] = [{ name: 'istio_tcp_connections_opened_total' }]

const countedAtEnd: readonly Counter[] = [
  { name: 'istio_tcp_connections_closed_total' },
  { name: 'istio_tcp_sent_bytes_total', valueFormat: '%BYTES_SENT%' },
  { name: 'istio_tcp_received_bytes_total', valueFormat: '%BYTES_RECEIVED%' },
]

const ofType = (type: AccessLogType): Filter => ({
  filterSpecifier: { case: 'logTypeFilter', value: { types: [type] } },
})

const ended = ofType(AccessLogType.TcpConnectionEnd)

const bothOf = (...filters: Filter[]): Filter => ({ filterSpecifier: { case: 'andFilter', value: { filters } } })

/** One that never reached anybody was opened all the same. A logger for each would be twice the memory. */
const opened: Filter = {
  filterSpecifier: {
    case: 'orFilter',
    value: {
      filters: [ofType(AccessLogType.TcpUpstreamConnected), bothOf(ended, celFilter('!has(upstream.local_address)'))],
    },
  },
}

/** One JSON line a connection when it ends. `service` is where it leads; that of the cluster when absent. */
export function connectionAccessLogs(
  { accessLog = false, accessLogFilter }: SideObservability,
  service?: string,
): readonly AccessLog[] {
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
  const filter = accessLogFilter === undefined ? ended : bothOf(ended, celFilter(accessLogFilter))
  return [create(AccessLogSchema, { ...jsonLog(fields), filter })]
}
