/** The one place that knows where the generated definitions of Envoy's messages are. */
export {
  type AccessLog,
  type AccessLogFilterSchema,
  AccessLogSchema,
} from './generated/envoy/config/accesslog/v3/accesslog_pb.js'
export { type Bootstrap, BootstrapSchema } from './generated/envoy/config/bootstrap/v3/bootstrap_pb.js'
export { CircuitBreakersSchema } from './generated/envoy/config/cluster/v3/circuit_breaker_pb.js'
export {
  type Cluster as EnvoyCluster,
  Cluster_CustomClusterTypeSchema as CustomClusterTypeSchema,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from './generated/envoy/config/cluster/v3/cluster_pb.js'
export { type Address, AddressSchema, type CidrRangeSchema } from './generated/envoy/config/core/v3/address_pb.js'
export {
  HeaderValueOption_HeaderAppendAction,
  HeaderValueOptionSchema,
  LocalitySchema,
  TrafficDirection,
} from './generated/envoy/config/core/v3/base_pb.js'
export {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from './generated/envoy/config/core/v3/config_source_pb.js'
export { HealthCheckSchema } from './generated/envoy/config/core/v3/health_check_pb.js'
export { type LbEndpoint, LbEndpointSchema } from './generated/envoy/config/endpoint/v3/endpoint_components_pb.js'
export { ClusterLoadAssignmentSchema } from './generated/envoy/config/endpoint/v3/endpoint_pb.js'
export type {
  FilterChainSchema,
  ListenerFilterSchema,
} from './generated/envoy/config/listener/v3/listener_components_pb.js'
export { type Listener, ListenerSchema } from './generated/envoy/config/listener/v3/listener_pb.js'
export { OverloadManagerSchema } from './generated/envoy/config/overload/v3/overload_pb.js'
export {
  type PermissionSchema,
  type PolicySchema,
  type PrincipalSchema,
  RBAC_Action as RbacAction,
  type RBACSchema as RbacSchema,
} from './generated/envoy/config/rbac/v3/rbac_pb.js'
export {
  DirectResponseActionSchema,
  type HeaderMatcher,
  HeaderMatcherSchema,
  type QueryParameterMatcher,
  QueryParameterMatcherSchema,
  RedirectAction_RedirectResponseCode as RedirectResponseCode,
  RedirectActionSchema,
  type RetryPolicy,
  RetryPolicySchema,
  type Route as EnvoyRoute,
  type RouteAction,
  type RouteAction_HashPolicy as HashPolicy,
  RouteAction_HashPolicySchema as HashPolicySchema,
  RouteAction_RequestMirrorPolicySchema as MirrorPolicySchema,
  RouteActionSchema,
  type RouteMatch as EnvoyRouteMatch,
  RouteMatchSchema,
  RouteSchema,
  VirtualHost_TlsRequirementType as VirtualHostTls,
  VirtualHostSchema,
} from './generated/envoy/config/route/v3/route_components_pb.js'
export { type RouteConfiguration, RouteConfigurationSchema } from './generated/envoy/config/route/v3/route_pb.js'
export { OpenTelemetryConfigSchema } from './generated/envoy/config/trace/v3/opentelemetry_pb.js'
export {
  ZipkinConfig_CollectorEndpointVersion,
  ZipkinConfigSchema,
} from './generated/envoy/config/trace/v3/zipkin_pb.js'
export { AccessLogType } from './generated/envoy/data/accesslog/v3/accesslog_pb.js'
export { ExpressionFilterSchema } from './generated/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.js'
export {
  Config_Histogram_Unit as HistogramUnit,
  Config_StatSchema as StatSchema,
  ConfigSchema as StatsLogSchema,
} from './generated/envoy/extensions/access_loggers/stats/v3/stats_pb.js'
export { StdoutAccessLogSchema } from './generated/envoy/extensions/access_loggers/stream/v3/stream_pb.js'
export { ClusterConfigSchema as ForwardProxyClusterSchema } from './generated/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.js'
export { DnsCacheConfigSchema } from './generated/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.js'
export { CorsPolicySchema, CorsSchema } from './generated/envoy/extensions/filters/http/cors/v3/cors_pb.js'
export { CredentialInjectorSchema } from './generated/envoy/extensions/filters/http/credential_injector/v3/credential_injector_pb.js'
export { FilterConfigSchema as ForwardProxySchema } from './generated/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.js'
export { HTTPFaultSchema } from './generated/envoy/extensions/filters/http/fault/v3/fault_pb.js'
export { HeaderMutationSchema } from './generated/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js'
export {
  Config_ValueEncode as HeaderValueEncode,
  Config_ValueType as HeaderValueType,
  ConfigSchema as HeaderToMetadataSchema,
} from './generated/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb.js'
export { HealthCheckSchema as HealthCheckFilterSchema } from './generated/envoy/extensions/filters/http/health_check/v3/health_check_pb.js'
export {
  JwtAuthenticationSchema,
  type JwtProviderSchema,
  type JwtRequirementSchema,
} from './generated/envoy/extensions/filters/http/jwt_authn/v3/config_pb.js'
export { RBACSchema as HttpRbacSchema } from './generated/envoy/extensions/filters/http/rbac/v3/rbac_pb.js'
export { RouterSchema } from './generated/envoy/extensions/filters/http/router/v3/router_pb.js'
export { UpstreamCodecSchema } from './generated/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec_pb.js'
export { HttpInspectorSchema } from './generated/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js'
export { OriginalDstSchema } from './generated/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js'
export { TlsInspectorSchema } from './generated/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js'
export {
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
} from './generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
export { RBACSchema as NetworkRbacSchema } from './generated/envoy/extensions/filters/network/rbac/v3/rbac_pb.js'
export {
  TcpProxySchema,
  UpstreamConnectMode,
} from './generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
export { GenericSchema } from './generated/envoy/extensions/http/injected_credentials/generic/v3/generic_pb.js'
export { TransformStatSchema } from './generated/envoy/extensions/matching/actions/transform_stat/v3/transform_stat_pb.js'
export { StatTagValueInputSchema } from './generated/envoy/extensions/matching/common_inputs/stats/v3/stats_pb.js'
export { UuidRequestIdConfigSchema } from './generated/envoy/extensions/request_id/uuid/v3/uuid_pb.js'
export { DownstreamConnectionsConfigSchema } from './generated/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.js'
export { PreviousHostsPredicateSchema } from './generated/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js'
export { PreviousPrioritiesConfigSchema } from './generated/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js'
export { RawBufferSchema } from './generated/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js'
export {
  type CertificateValidationContextSchema,
  SubjectAltNameMatcher_SanType,
  TlsParameters_TlsProtocol as TlsProtocol,
} from './generated/envoy/extensions/transport_sockets/tls/v3/common_pb.js'
export { SecretSchema } from './generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
export {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from './generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
export { HttpProtocolOptionsSchema } from './generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
export {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from './generated/envoy/service/discovery/v3/discovery_pb.js'
export type { MetadataMatcherSchema } from './generated/envoy/type/matcher/v3/metadata_pb.js'
export { type StringMatcher, StringMatcherSchema } from './generated/envoy/type/matcher/v3/string_pb.js'
export { type CustomTag, CustomTagSchema } from './generated/envoy/type/tracing/v3/custom_tag_pb.js'
export {
  HashPolicy_SourceIpSchema as HashPolicySourceIpSchema,
  HashPolicySchema as TcpHashPolicySchema,
} from './generated/envoy/type/v3/hash_policy_pb.js'
export { CodecClientType } from './generated/envoy/type/v3/http_pb.js'
export {
  type FractionalPercent,
  FractionalPercent_DenominatorType,
  FractionalPercentSchema,
} from './generated/envoy/type/v3/percent_pb.js'
export { ScopeSchema } from './generated/envoy/type/v3/scope_pb.js'
export { MatcherSchema } from './generated/xds/type/matcher/v3/matcher_pb.js'
