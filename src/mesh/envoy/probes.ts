import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { SocketAddress } from '../model/index.ts'
import {
  type ClusterSchema,
  HealthCheckFilterSchema,
  HealthCheckSchema,
  HttpProtocolOptionsSchema,
  type ListenerSchema,
  type RouteSchema,
  UpstreamTlsContextSchema,
} from './api.ts'
import { ownCluster, ownListener } from './bootstrap-listeners.ts'
import { interceptionExempt } from './interception.ts'
import { duration, extension, pack, socketAddress } from './messages.ts'

/** A question that a kubelet asks of a program by way of the proxy, since the program's own port may ask for TLS. */
export interface Probe {
  /** As it is asked of the proxy: `/app-health/web/readyz`. */
  readonly path: string
  readonly target: ProbeTarget
}

export type ProbeTarget =
  /** `path` with its query. */
  | { readonly kind: 'http'; readonly scheme: 'http' | 'https'; readonly port: number; readonly path: string }
  /** The proxy asks by itself each `periodMs`, and says what it last found. */
  | { readonly kind: 'tcp'; readonly port: number; readonly periodMs: number; readonly timeoutMs: number }
  | {
      readonly kind: 'grpc'
      readonly port: number
      readonly service: string
      readonly periodMs: number
      readonly timeoutMs: number
    }

export interface ProbeOptions {
  readonly bind: SocketAddress
  /** Of the programs. */
  readonly address: string
  readonly probes: readonly Probe[]
}

type AskedProbe = Probe & { readonly target: Extract<ProbeTarget, { kind: 'tcp' | 'grpc' }> }

const isAsked = (probe: Probe): probe is AskedProbe => probe.target.kind !== 'http'

/** Answers are counted hosts: without these numbers every program would be taken for dead. */
export const probeStats = 'cluster.probe|'

const clusterOf = ({ path }: Probe): string => `probe|${path}`

/** Passes HTTP probes on; answers those of other kinds by what its own checks of the program say. */
export const probeListener = ({ bind, probes }: ProbeOptions): MessageInitShape<typeof ListenerSchema> =>
  ownListener('probes', bind, probes.flatMap(routeOf), probes.filter(isAsked).map(answerOf))

function routeOf(probe: Probe): readonly MessageInitShape<typeof RouteSchema>[] {
  const { path, target } = probe
  if (target.kind !== 'http') return []
  return [
    {
      match: { pathSpecifier: { case: 'path', value: path } },
      action: {
        case: 'route',
        value: {
          clusterSpecifier: { case: 'cluster', value: clusterOf(probe) },
          prefixRewrite: target.path,
          // Whoever asks knows how long to wait.
          timeout: duration(0),
        },
      },
    },
  ]
}

const answerOf = (probe: AskedProbe) =>
  extension('envoy.filters.http.health_check', HealthCheckFilterSchema, {
    passThroughMode: false,
    clusterMinHealthyPercentages: { [clusterOf(probe)]: { value: 100 } },
    headers: [
      {
        name: ':path',
        headerMatchSpecifier: {
          case: 'stringMatch',
          value: { matchPattern: { case: 'exact', value: probe.path } },
        },
      },
    ],
  })

export const probeClusters = ({ address, probes }: ProbeOptions): MessageInitShape<typeof ClusterSchema>[] =>
  probes.map((probe) => ({
    ...ownCluster(clusterOf(probe), socketAddress({ address, port: probe.target.port })),
    ...interceptionExempt,
    ...transportOf(probe.target),
    healthChecks: isAsked(probe) ? [healthCheckOf(probe.target)] : [],
  }))

function transportOf(
  target: ProbeTarget,
): Pick<MessageInitShape<typeof ClusterSchema>, 'transportSocket' | 'typedExtensionProtocolOptions'> {
  if (target.kind === 'grpc') {
    const http2 = pack(HttpProtocolOptionsSchema, {
      upstreamProtocolOptions: {
        case: 'explicitHttpConfig',
        value: { protocolConfig: { case: 'http2ProtocolOptions', value: {} } },
      },
    })
    return { typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2 } }
  }
  // As kubelets do, it takes every certificate.
  if (target.kind === 'http' && target.scheme === 'https')
    return { transportSocket: extension('envoy.transport_sockets.tls', UpstreamTlsContextSchema, {}) }
  return {}
}

function healthCheckOf(target: AskedProbe['target']) {
  const period = duration(target.periodMs)
  return create(HealthCheckSchema, {
    timeout: duration(target.timeoutMs),
    interval: period,
    // Thresholds are counted by who asks the proxy.
    unhealthyThreshold: 1,
    healthyThreshold: 1,
    // Envoy would look once a minute at what nobody sends requests to.
    noTrafficInterval: period,
    noTrafficHealthyInterval: period,
    healthChecker:
      target.kind === 'tcp'
        ? { case: 'tcpHealthCheck', value: {} }
        : { case: 'grpcHealthCheck', value: { serviceName: target.service } },
  })
}
