import type { Any } from '@bufbuild/protobuf/wkt'

/** In the order in which they must reach a proxy. */
export const resourceTypes = ['cluster', 'endpoints', 'listener', 'routes', 'secret'] as const
export type ResourceType = (typeof resourceTypes)[number]

export const eachType = <T>(value: (type: ResourceType) => T): Readonly<Record<ResourceType, T>> => ({
  cluster: value('cluster'),
  endpoints: value('endpoints'),
  listener: value('listener'),
  routes: value('routes'),
  secret: value('secret'),
})

export const typeUrls: Readonly<Record<ResourceType, string>> = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoints: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  routes: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
}

/** One configuration object of Envoy, encoded. */
export interface EnvoyResource {
  readonly type: ResourceType
  readonly name: string
  readonly message: Any
  /** Clusters that it sends requests to. */
  readonly clusters: readonly string[]
  /** Names of the RouteConfigurations (of a listener) or of the endpoints (of a cluster) that it waits for. */
  readonly needs: readonly string[]
}
