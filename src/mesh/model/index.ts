/**
 * mesh/model: what the mesh is to do, in words that are neither Istio's objects nor Envoy's messages:
 * proxies with their listeners, route tables, clusters of endpoints, and findings about the input.
 * It knows no Kubernetes object and no protobuf, and it decides nothing.
 */
export {
  type Cluster,
  type ClusterKey,
  clusterName,
  directClusterName,
  type Endpoint,
  type HealthCheck,
  passthroughCluster,
  type Resolution,
} from './cluster.ts'
export { type Finding, type FindingReason, keyText, type ObjectKey } from './finding.ts'
export { controlPlaneIdentity, rootNamespace, rootsKey, rootsName, spiffeId, trustDomain } from './identity.ts'
export type { Locality } from './locality.ts'
export type { Mesh } from './mesh.ts'
export type {
  ApiListener,
  HttpOutbound,
  HttpsOutbound,
  InboundListener,
  Interception,
  MeshProxy,
  OutboundListener,
  ProxyRole,
  SocketAddress,
  TcpOutbound,
  TlsOutbound,
  TlsServer,
  UnixSocket,
} from './proxy.ts'
export { connectionRoutes, isGatewayId, nodeId } from './proxy.ts'
export type {
  Answer,
  Cors,
  Fault,
  Header,
  HeaderEdits,
  MessageEdits,
  Mirror,
  NameMatch,
  Retries,
  Rewrite,
  Route,
  RouteMatch,
  RouteTable,
  TcpRoute,
  TextMatch,
  VirtualHost,
  WeightedCluster,
} from './route.ts'
export type {
  Attribute,
  AuthorizationPolicy,
  AuthorizationRule,
  Condition,
  MutualTls,
  ProxySecurity,
  TokenRule,
} from './security.ts'
export { createMeshSharing, type ShareMesh } from './share.ts'
export {
  type AccessLogging,
  type MetricEdit,
  type MetricName,
  metricNames,
  type ProxyTelemetry,
  type SideTelemetry,
  type SpanReporting,
  type SpanTag,
  type TagEdit,
  type TelemetryDefaults,
} from './telemetry.ts'
export type { ClientTls, CredentialUse, ServerTls, TlsVersion } from './tls.ts'
export type {
  ConnectionPool,
  ConsistentHash,
  HashKey,
  LoadBalancing,
  OutlierDetection,
  TcpKeepalive,
  TrafficPolicy,
  WarmUp,
} from './traffic-policy.ts'
export { type Protocol, type ServiceIdentity, unknownWorkload, type WorkloadIdentity } from './workload.ts'
