import type { ObjectKey } from './finding.ts'

/** What proxies tell of which nothing else is said. */
export interface TelemetryDefaults {
  /** Whether they write access logs. */
  readonly accessLog: boolean
  /** The name of where spans go; absent where none are sent. */
  readonly tracingProvider?: string
}

/** What one proxy tells, where it is not what all tell. */
export interface ProxyTelemetry {
  /** The objects that say so. */
  readonly origins: readonly ObjectKey[]
  /** Of what its workload, or a gateway, asks of others. */
  readonly client: SideTelemetry
  /** Of what others ask of its workload. */
  readonly server: SideTelemetry
}

/** What is absent is as for all proxies. */
export interface SideTelemetry {
  readonly accessLog?: AccessLogging
  readonly tracing?: SpanReporting
  /** One for each metric that is not counted as usual. */
  readonly metrics?: readonly MetricEdit[]
}

export interface AccessLogging {
  readonly isWritten: boolean
  /** CEL over Envoy's attributes: what is written; all when absent. */
  readonly filter?: string
}

export interface SpanReporting {
  readonly isReported: boolean
  /** 0..100 of the requests that come without a decision. */
  readonly samplePercent?: number
  readonly tags: readonly SpanTag[]
  /** The share is drawn for each request, whatever its `x-request-id`. */
  readonly ignoresRequestId?: true
}

export type SpanTag = { readonly name: string } & (
  | { readonly kind: 'literal'; readonly value: string }
  /** A variable of the proxy's environment, or a header of the request. */
  | { readonly kind: 'environment' | 'header'; readonly of: string; readonly otherwise?: string }
)

export const metricNames = [
  ...(['istio_requests_total', 'istio_request_duration_milliseconds'] as const),
  ...(['istio_request_bytes', 'istio_response_bytes'] as const),
  ...(['istio_tcp_connections_opened_total', 'istio_tcp_connections_closed_total'] as const),
  ...(['istio_tcp_sent_bytes_total', 'istio_tcp_received_bytes_total'] as const),
] as const

export type MetricName = (typeof metricNames)[number]

export interface MetricEdit {
  readonly metric: MetricName
  /** As usual when absent. */
  readonly isCounted?: boolean
  /** Each label once. */
  readonly tags: readonly TagEdit[]
}

export type TagEdit = { readonly name: string } & (
  | { readonly kind: 'remove' }
  /** CEL over Envoy's attributes. */
  | { readonly kind: 'set'; readonly expression: string }
)
