/** In the order in which they must reach a proxy. */
export const resourceTypes = ['cluster', 'endpoints', 'listener', 'routes', 'virtualHost', 'secret'] as const
export type ResourceType = (typeof resourceTypes)[number]

export const eachType = <T>(value: (type: ResourceType) => T): Readonly<Record<ResourceType, T>> => ({
  cluster: value('cluster'),
  endpoints: value('endpoints'),
  listener: value('listener'),
  routes: value('routes'),
  virtualHost: value('virtualHost'),
  secret: value('secret'),
})

export const typeUrls: Readonly<Record<ResourceType, string>> = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoints: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  routes: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  virtualHost: 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
}

/** One configuration object of Envoy. */
export interface EnvoyResource {
  readonly type: ResourceType
  readonly name: string
  /** An encoded google.protobuf.Any; never changed. */
  readonly message: Uint8Array
  /** Clusters that it sends requests to. */
  readonly clusters: readonly string[]
  /**
   * What it waits for: the endpoints of a cluster, the RouteConfigurations of a listener, the catch-all host of a
   * RouteConfiguration whose virtual hosts come one by one.
   */
  readonly needs: readonly string[]
}

/** Envoy finds the RouteConfiguration of a virtual host by what stands before the last slash of its name. */
export const virtualHostName = (table: string, host: string): string => `${table}/${host}`
export const tableOfVirtualHost = (name: string): string => name.slice(0, name.lastIndexOf('/'))
