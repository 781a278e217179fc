import { create, createRegistry, type JsonValue, type MessageInitShape, toJson } from '@bufbuild/protobuf'
import { isGatewayId, type SocketAddress } from '../model/index.ts'
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type Bootstrap,
  BootstrapSchema,
  type ClusterSchema,
  DownstreamConnectionsConfigSchema,
  HealthCheckFilterSchema,
  HttpConnectionManagerSchema,
  HttpProtocolOptionsSchema,
  type OverloadManagerSchema,
  RouterSchema,
  UpstreamTlsContextSchema,
} from './api.ts'
import { administration, metricsListener, ownCluster, readinessListener } from './bootstrap-listeners.ts'
import { ads, duration, extension, pack, socketAddress } from './messages.ts'
import { type ProbeOptions, probeClusters, probeListener, probeStats } from './probes.ts'
import { type TokenFile, tokenFileMessages, tokenFromFile } from './token-file.ts'
import { controlPlaneTls, type XdsTrust } from './xds-trust.ts'

export interface BootstrapOptions {
  /** From `nodeId` of mesh/model. */
  readonly nodeId: string
  /** `workload.namespace`: a name for people. */
  readonly nodeCluster: string
  /** The control plane, by address or name. A token goes with every stream: itself, or what a file holds then. */
  readonly xds: SocketAddress & { readonly token?: string; readonly tokenFile?: TokenFile; readonly trust?: XdsTrust }
  /** Where Prometheus scrapes: `podIP:15090`. */
  readonly metrics: SocketAddress
  /** Where kubelets ask for readiness; nowhere when absent. */
  readonly readiness?: SocketAddress
  /** What kubelets ask of the programs by way of the proxy. */
  readonly probes?: ProbeOptions
  /** A path of at most 107 bytes in a folder that only the owner may enter. */
  readonly adminSocketPath: string
  /** 50,000 when absent. */
  readonly maxConnections?: number
}

const xdsCluster = 'xds-grpc'

/** The file that Envoy starts with, as JSON text. It carries the token: write it with mode 0600. */
export const renderBootstrap = (options: BootstrapOptions): string =>
  `${JSON.stringify(bootstrapToJson(buildBootstrap(options)), undefined, 2)}\n`

const bootstrapToJson = (bootstrap: Bootstrap): JsonValue =>
  toJson(BootstrapSchema, bootstrap, {
    registry: createRegistry(
      DownstreamConnectionsConfigSchema,
      HealthCheckFilterSchema,
      HttpConnectionManagerSchema,
      HttpProtocolOptionsSchema,
      RouterSchema,
      UpstreamTlsContextSchema,
      ...tokenFileMessages,
    ),
  })

const buildBootstrap = (options: BootstrapOptions): Bootstrap =>
  create(BootstrapSchema, {
    node: { id: options.nodeId, cluster: options.nodeCluster },
    admin: { address: { address: { case: 'pipe', value: { path: options.adminSocketPath, mode: 0o600 } } } },
    dynamicResources: dynamicResources(options.xds.token),
    staticResources: {
      listeners: [
        metricsListener(options.metrics),
        ...(options.readiness === undefined ? [] : [readinessListener(options.readiness)]),
        ...(options.probes === undefined ? [] : [probeListener(options.probes)]),
      ],
      clusters: [
        controlPlane(options.xds),
        administration(options.adminSocketPath),
        ...(options.probes === undefined ? [] : probeClusters(options.probes)),
      ],
    },
    // The first scrape after a request must see it: gates wait for nothing else.
    statsFlushInterval: duration(1_000),
    statsConfig: {
      useAllDefaultTags: false,
      statsTags: [clusterName, ...knownTags.map((tagName) => ({ tagName }))],
      statsMatcher: { statsMatcher: { case: 'inclusionList', value: { patterns: includedStats(options) } } },
    },
    overloadManager: overloadManager(options.maxConnections ?? 50_000),
    layeredRuntime: { layers: [{ name: 'static', layerSpecifier: { case: 'staticLayer', value: runtime } }] },
  })

/**
 * Envoy has thousands of stats for a hundred clusters; metrics of requests come from the access logger. Of each cluster
 * only what no request tells: connections, breakers, ejections.
 */
const includedStats = ({ nodeId, probes }: BootstrapOptions) => [
  ...[...everyonesStats, ...(probes === undefined ? [] : [probeStats])].map((prefix) => ({
    matchPattern: { case: 'prefix' as const, value: prefix },
  })),
  ...clusterStats.map((name) => ({ matchPattern: { case: 'suffix' as const, value: `.${name}` } })),
  // What a proxy that is to end still has to finish.
  { matchPattern: { case: 'safeRegex' as const, value: { regex: isGatewayId(nodeId) ? gatewayRequests : requests } } },
  // What policies allow and deny, and what those that are only tried would.
  { matchPattern: { case: 'contains' as const, value: '.rbac.' } },
]

/** Of programs, connections that are not HTTP included; and of the clients of a gateway. */
const requests = '^cluster\\.(inbound\\||InboundPassthroughCluster).*\\.upstream_rq_(active|total)$'
const gatewayRequests = '^http\\.outbound\\|.*\\.downstream_rq_(active|total)$'

const everyonesStats = ['mesh.', 'server.', 'listener_manager.', 'cluster_manager.', 'control_plane.']

const clusterStats = [
  'upstream_cx_active',
  'upstream_rq_pending_overflow',
  'circuit_breakers.default.rq_open',
  'outlier_detection.ejections_active',
]

/** Envoy's own expression ends a cluster's name at its first dot, and ours are full of them. */
const clusterName = {
  tagName: 'envoy.cluster_name',
  tagValue: {
    case: 'regex' as const,
    value: `^cluster\\.((.+?)\\.)(?:${[...clusterStats, 'upstream_rq_active', 'upstream_rq_total'].map((name) => name.replaceAll('.', '\\.')).join('|')})$`,
  },
}

/** Expressions that Envoy brings along: whose policies, and whether they are on trial. */
const knownTags = ['envoy.worker_id', 'envoy.http_conn_manager_prefix', 'envoy.rbac_http_prefix', 'envoy.rbac_prefix']

/** Envoy's limit of 100 refuses ordinary expressions of users. Istio's number. */
const runtime = { 're2.max_program_size.error_level': 32_768 }

function dynamicResources(
  token: string | undefined,
): NonNullable<MessageInitShape<typeof BootstrapSchema>['dynamicResources']> {
  const initialMetadata = token === undefined ? [] : [{ key: 'authorization', value: `Bearer ${token}` }]
  return {
    ldsConfig: ads(),
    cdsConfig: ads(),
    adsConfig: {
      apiType: ApiConfigSource_ApiType.DELTA_GRPC,
      transportApiVersion: ApiVersion.V3,
      setNodeOnFirstMessageOnly: true,
      grpcServices: [
        {
          initialMetadata,
          targetSpecifier: {
            case: 'envoyGrpc',
            value: {
              clusterName: xdsCluster,
              // After a restart of the control plane everybody is back within two seconds.
              retryPolicy: { retryBackOff: { baseInterval: duration(100), maxInterval: duration(2_000) } },
            },
          },
        },
      ],
    },
  }
}

function controlPlane({
  address,
  port,
  trust,
  tokenFile,
}: BootstrapOptions['xds']): MessageInitShape<typeof ClusterSchema> {
  // Half-open streams go unnoticed without it.
  const keepalive = { interval: duration(10_000), timeout: duration(5_000) }
  const http2 = pack(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: { protocolConfig: { case: 'http2ProtocolOptions', value: { connectionKeepalive: keepalive } } },
    },
    ...(tokenFile === undefined ? {} : { httpFilters: tokenFromFile(tokenFile) }),
  })
  return {
    ...ownCluster(xdsCluster, socketAddress({ address, port })),
    typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2 },
    ...(trust === undefined ? {} : { transportSocket: controlPlaneTls(trust) }),
  }
}

const overloadManager = (connections: number): MessageInitShape<typeof OverloadManagerSchema> => ({
  resourceMonitors: [
    extension('envoy.resource_monitors.global_downstream_max_connections', DownstreamConnectionsConfigSchema, {
      maxActiveDownstreamConnections: BigInt(connections),
    }),
  ],
})
