import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf'
import type { MeshProxy } from '../model/index.ts'
import {
  type AccessLog,
  type AccessLogFilterSchema,
  AccessLogSchema,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterSchema,
  ExpressionFilterSchema,
  type HttpConnectionManagerSchema,
  OpenTelemetryConfigSchema,
  StdoutAccessLogSchema,
  UuidRequestIdConfigSchema,
  ZipkinConfig_CollectorEndpointVersion,
  ZipkinConfigSchema,
} from './api.ts'
import { metadataNamespace } from './formats.ts'
import { duration, encode, extension, pack, socketAddress } from './messages.ts'
import type { EnvoyResource } from './resource.ts'
import type { Observability, SideObservability, SideTracing } from './side-telemetry.ts'
import { renderSpanTag } from './span-tags.ts'

const tracingCluster = 'tracing'

/** The cluster of the collector, which every proxy needs before its listeners. */
export function renderTracing({ tracing }: Observability): readonly EnvoyResource[] {
  if (tracing === undefined) return []
  const endpoint = { address: socketAddress(tracing.address) }
  const message = encode(ClusterSchema, {
    name: tracingCluster,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS },
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
    connectTimeout: duration(1_000),
    loadAssignment: {
      clusterName: tracingCluster,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: endpoint } }] }],
    },
  })
  return [{ type: 'cluster', name: tracingCluster, message, clusters: [], needs: [] }]
}

type ManagerFields = Pick<MessageInitShape<typeof HttpConnectionManagerSchema>, 'tracing' | 'requestIdExtension'>

export function tracingFields({ workload }: MeshProxy, { tracing }: SideObservability): ManagerFields {
  if (tracing === undefined) return {}
  const provider =
    tracing.collector === 'zipkin'
      ? extension('envoy.tracers.zipkin', ZipkinConfigSchema, {
          collectorCluster: tracingCluster,
          collectorEndpoint: '/api/v2/spans',
          collectorEndpointVersion: ZipkinConfig_CollectorEndpointVersion.HTTP_JSON,
          traceId128bit: true,
          // Each side of a hop has a span of its own.
          sharedSpanContext: false,
        })
      : extension('envoy.tracers.opentelemetry', OpenTelemetryConfigSchema, {
          serviceName: `${workload.canonicalService}.${workload.namespace}`,
          httpService: {
            httpUri: {
              uri: `http://${tracing.address.address}:${tracing.address.port}/v1/traces`,
              timeout: duration(1_000),
              httpUpstreamType: { case: 'cluster', value: tracingCluster },
            },
          },
        })
  const { samplePercent, tags = [] } = tracing
  return {
    tracing: { provider, randomSampling: { value: samplePercent }, customTags: tags.map(renderSpanTag) },
    ...requestIdFields(tracing),
  }
}

/** Otherwise the identifier of a request decides, the same for all requests that share it. */
function requestIdFields({ ignoresRequestId }: SideTracing): ManagerFields {
  if (ignoresRequestId !== true) return {}
  const typedConfig = pack(UuidRequestIdConfigSchema, { useRequestIdForTraceSampling: false })
  return { requestIdExtension: { typedConfig } }
}

/** `service` is where the requests go; that of the cluster when absent. */
export function accessLogs(
  { accessLog = false, accessLogFilter }: SideObservability,
  service?: string,
): readonly AccessLog[] {
  if (!accessLog) return []
  const jsonFormat: JsonObject = {
    start_time: '%START_TIME%',
    method: '%REQ(:METHOD)%',
    path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
    response_code: '%RESPONSE_CODE%',
    duration: '%DURATION%',
    upstream_service: upstreamService(service),
  }
  const filter = accessLogFilter === undefined ? {} : { filter: celFilter(accessLogFilter) }
  return [create(AccessLogSchema, { ...jsonLog(jsonFormat), ...filter })]
}

/** Lets pass what the expression is true for. */
export const celFilter = (expression: string): MessageInitShape<typeof AccessLogFilterSchema> => ({
  filterSpecifier: {
    case: 'extensionFilter',
    value: extension('envoy.access_loggers.extension_filters.cel', ExpressionFilterSchema, { expression }),
  },
})

export const upstreamService = (service: string | undefined): string =>
  service?.replaceAll('%', '%%') ?? `%METADATA(CLUSTER:${metadataNamespace}:service)%`

/** Lines on standard output. */
export const jsonLog = (jsonFormat: JsonObject) =>
  extension('envoy.access_loggers.stdout', StdoutAccessLogSchema, {
    accessLogFormat: { case: 'logFormat', value: { format: { case: 'jsonFormat', value: jsonFormat } } },
  })
