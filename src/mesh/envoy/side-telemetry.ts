import type {
  MetricEdit,
  ProxyTelemetry,
  SideTelemetry,
  SocketAddress,
  SpanTag,
  TelemetryDefaults,
} from '../model/index.ts'

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

/** What one side of a proxy tells: what all proxies tell, as far as nothing else is said of it. */
export interface SideObservability extends Omit<Observability, 'tracing'> {
  /** CEL; all requests when absent. */
  readonly accessLogFilter?: string
  readonly tracing?: SideTracing
  readonly metrics?: readonly MetricEdit[]
}

export interface SideTracing extends Tracing {
  readonly tags?: readonly SpanTag[]
  readonly ignoresRequestId?: true
}

/** What objects that say something else begin with. */
export const telemetryDefaults = ({ accessLog = false, tracing }: Observability = {}): TelemetryDefaults => ({
  accessLog,
  ...(tracing === undefined ? {} : { tracingProvider: tracing.collector }),
})

export const sidesOf = (observability: Observability, telemetry: ProxyTelemetry | undefined) => ({
  client: toSide(observability, telemetry?.client),
  server: toSide(observability, telemetry?.server),
})

function toSide(
  { tracing, ...observability }: Observability,
  { accessLog, tracing: spans, metrics }: SideTelemetry = {},
): SideObservability {
  const filter = accessLog?.filter
  return {
    ...observability,
    ...(accessLog === undefined ? {} : { accessLog: accessLog.isWritten }),
    ...(filter === undefined ? {} : { accessLogFilter: filter }),
    ...(tracing === undefined || spans?.isReported === false ? {} : { tracing: { ...tracing, ...sideTracing(spans) } }),
    ...(metrics === undefined ? {} : { metrics }),
  }
}

function sideTracing(spans: SideTelemetry['tracing']): Partial<SideTracing> {
  if (spans === undefined) return {}
  const { isReported: _, ...said } = spans
  return said
}
