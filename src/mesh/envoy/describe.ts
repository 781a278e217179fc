import { createRegistry, type JsonValue, toJson } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  CorsPolicySchema,
  CorsSchema,
  ForwardProxyClusterSchema,
  ForwardProxySchema,
  HeaderMutationSchema,
  HeaderToMetadataSchema,
  HTTPFaultSchema,
  HttpConnectionManagerSchema,
  HttpProtocolOptionsSchema,
  ListenerSchema,
  OpenTelemetryConfigSchema,
  PreviousHostsPredicateSchema,
  PreviousPrioritiesConfigSchema,
  RouteConfigurationSchema,
  RouterSchema,
  StatsLogSchema,
  StdoutAccessLogSchema,
  TcpProxySchema,
  ZipkinConfigSchema,
} from './api.ts'
import type { EnvoyResource } from './resource.ts'

const registry = createRegistry(
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
  RouterSchema,
  StatsLogSchema,
  StdoutAccessLogSchema,
  TcpProxySchema,
  ZipkinConfigSchema,
)

/** The resource as Envoy's own JSON, for people and for `envoy --mode validate`. */
export const resourceToJson = (resource: EnvoyResource): JsonValue => toJson(AnySchema, resource.message, { registry })
