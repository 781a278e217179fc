import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf'
import type { MeshProxy, SocketAddress } from '../model/index.ts'
import {
  type AccessLog,
  AccessLogSchema,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterSchema,
  type HttpConnectionManagerSchema,
  OpenTelemetryConfigSchema,
  StdoutAccessLogSchema,
  ZipkinConfig_CollectorEndpointVersion,
  ZipkinConfigSchema,
} from './api.ts'
import { duration, encode, extension, socketAddress } from './messages.ts'
import type { EnvoyResource } from './resource.ts'
import { metadataNamespace } from './telemetry.ts'

/** What proxies tell beside metrics; the same for all of them. */
export interface Observability {
  /** One JSON line a request on standard output. */
  readonly accessLog?: boolean
  /** Whether `istio_request_bytes` and `istio_response_bytes` are measured. */
  readonly sizeMetrics?: boolean
  readonly tracing?: Tracing
}

export interface Tracing {
  /** Zipkin's API v2 with B3 headers, or OTLP over HTTP with W3C headers. The address may be a name. */
  readonly collector: 'zipkin' | 'otlp'
  readonly address: SocketAddress
  /** 0..100 of the requests that come without a decision. */
  readonly samplePercent: number
}

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

type ManagerFields = Pick<MessageInitShape<typeof HttpConnectionManagerSchema>, 'tracing'>

export function tracingFields({ workload }: MeshProxy, { tracing }: Observability): ManagerFields {
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
  return { tracing: { provider, randomSampling: { value: tracing.samplePercent } } }
}

/** `service` is where the requests go; that of the cluster when absent. */
export function accessLogs({ accessLog = false }: Observability, service?: string): readonly AccessLog[] {
  if (!accessLog) return []
  const jsonFormat: JsonObject = {
    start_time: '%START_TIME%',
    method: '%REQ(:METHOD)%',
    path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
    response_code: '%RESPONSE_CODE%',
    duration: '%DURATION%',
    upstream_service: upstreamService(service),
  }
  return [create(AccessLogSchema, jsonLog(jsonFormat))]
}

export const upstreamService = (service: string | undefined): string =>
  service?.replaceAll('%', '%%') ?? `%METADATA(CLUSTER:${metadataNamespace}:service)%`

/** Lines on standard output. */
export const jsonLog = (jsonFormat: JsonObject) =>
  extension('envoy.access_loggers.stdout', StdoutAccessLogSchema, {
    accessLogFormat: { case: 'logFormat', value: { format: { case: 'jsonFormat', value: jsonFormat } } },
  })
