import { createRegistry, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  CorsPolicySchema,
  CorsSchema,
  DownstreamTlsContextSchema,
  ExpressionFilterSchema,
  ForwardProxyClusterSchema,
  ForwardProxySchema,
  HeaderMutationSchema,
  HeaderToMetadataSchema,
  HTTPFaultSchema,
  HttpConnectionManagerSchema,
  HttpInspectorSchema,
  HttpProtocolOptionsSchema,
  HttpRbacSchema,
  JwtAuthenticationSchema,
  ListenerSchema,
  NetworkRbacSchema,
  OpenTelemetryConfigSchema,
  OriginalDstSchema,
  PreviousHostsPredicateSchema,
  PreviousPrioritiesConfigSchema,
  RawBufferSchema,
  RouteConfigurationSchema,
  RouterSchema,
  SecretSchema,
  StatsLogSchema,
  StatTagValueInputSchema,
  StdoutAccessLogSchema,
  TcpProxySchema,
  TlsInspectorSchema,
  TransformStatSchema,
  UpstreamTlsContextSchema,
  UuidRequestIdConfigSchema,
  VirtualHostSchema,
  ZipkinConfigSchema,
} from './api.ts'
import type { EnvoyResource } from './resource.ts'

const registry = createRegistry(
  HttpInspectorSchema,
  OriginalDstSchema,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  HTTPFaultSchema,
  CorsPolicySchema,
  CorsSchema,
  ForwardProxyClusterSchema,
  ForwardProxySchema,
  HeaderMutationSchema,
  HeaderToMetadataSchema,
  HttpConnectionManagerSchema,
  HttpProtocolOptionsSchema,
  ListenerSchema,
  OpenTelemetryConfigSchema,
  PreviousHostsPredicateSchema,
  PreviousPrioritiesConfigSchema,
  RouteConfigurationSchema,
  DownstreamTlsContextSchema,
  ExpressionFilterSchema,
  HttpRbacSchema,
  JwtAuthenticationSchema,
  NetworkRbacSchema,
  RawBufferSchema,
  RouterSchema,
  SecretSchema,
  TlsInspectorSchema,
  UpstreamTlsContextSchema,
  StatsLogSchema,
  StatTagValueInputSchema,
  StdoutAccessLogSchema,
  TcpProxySchema,
  TransformStatSchema,
  UuidRequestIdConfigSchema,
  VirtualHostSchema,
  ZipkinConfigSchema,
)

/** An encoded resource as Envoy's own JSON, for people: private keys are left out. */
export const encodedToJson = (bytes: Uint8Array): JsonValue => withoutKeys(anyToJson(bytes))

const withoutKeys = (value: JsonValue): JsonValue =>
  JSON.parse(JSON.stringify(value), (key, each) => (key === 'privateKey' ? '[redacted]' : each))

/** The resource as Envoy's own JSON, for people and for `envoy --mode validate`. */
export const resourceToJson = ({ message }: EnvoyResource): JsonValue => anyToJson(message)

const anyToJson = (bytes: Uint8Array): JsonValue => toJson(AnySchema, fromBinary(AnySchema, bytes), { registry })
