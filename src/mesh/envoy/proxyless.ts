import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { remember } from '../../base/index.ts'
import type { ApiListener, Cluster, Endpoint, LoadBalancing, Route, RouteTable } from '../model/index.ts'
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  HttpConnectionManagerSchema,
  type LbEndpoint,
  ListenerSchema,
  LocalitySchema,
} from './api.ts'
import { blackHoleCluster, circuitBreakers } from './cluster.ts'
import { loadAssignment } from './endpoints.ts'
import { faultFilter } from './fault.ts'
import { router } from './listener.ts'
import { ads, encode, pack } from './messages.ts'
import { renderOutlierDetection } from './outlier-detection.ts'
import type { EnvoyResource } from './resource.ts'
import { renderRouteTable } from './route.ts'

type ProxylessRenderer = (
  clusters: readonly Cluster[],
  listeners: readonly ApiListener[],
  tables: readonly RouteTable[],
) => readonly (readonly EnvoyResource[])[]

/**
 * What an application's own gRPC library reads: less than Envoy does, and it refuses what it does not know. Clusters
 * take turns or hash and have their endpoints from us, without TLS; routes neither answer by themselves nor speak of
 * browsers.
 */
export function createProxylessRenderer(): ProxylessRenderer {
  const ofCluster = remember((cluster: Cluster) => [renderCluster(cluster), renderEndpoints(cluster)])
  const ofClusters = remember((clusters: readonly Cluster[]) => [...nowhere, ...clusters.flatMap(ofCluster)])
  const ofListener = remember(renderApiListener)
  const ofListeners = remember((listeners: readonly ApiListener[]) => listeners.map(ofListener))
  const ofTable = remember((table: RouteTable) => renderRouteTable(withoutUnknown(table)))
  const ofTables = remember((tables: readonly RouteTable[]) => tables.map(ofTable))
  return (clusters, listeners, tables) => [ofClusters(clusters), ofListeners(listeners), ofTables(tables)]
}

function renderApiListener({ name, routeTable }: ApiListener): EnvoyResource {
  const apiListener = pack(HttpConnectionManagerSchema, {
    httpFilters: [faultFilter(), router()],
    routeSpecifier: { case: 'rds', value: { routeConfigName: routeTable, configSource: ads() } },
  })
  const message = encode(ListenerSchema, { name, apiListener: { apiListener } })
  return { type: 'listener', name, message, clusters: [], needs: [routeTable] }
}

const lbPolicyOf = (loadBalancing: LoadBalancing): Cluster_LbPolicy =>
  loadBalancing === 'ring-hash' ? Cluster_LbPolicy.RING_HASH : Cluster_LbPolicy.ROUND_ROBIN

const fromUs: Pick<MessageInitShape<typeof ClusterSchema>, 'clusterDiscoveryType' | 'edsClusterConfig'> = {
  clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
  edsClusterConfig: { edsConfig: ads() },
}

function renderCluster({ name, loadBalancing, connectionPool, outlierDetection }: Cluster): EnvoyResource {
  const message = encode(ClusterSchema, {
    name,
    ...fromUs,
    lbPolicy: lbPolicyOf(loadBalancing),
    circuitBreakers: circuitBreakers(connectionPool),
    ...(outlierDetection === undefined ? {} : renderOutlierDetection(outlierDetection)),
  })
  return { type: 'cluster', name, message, clusters: [], needs: [name] }
}

/** Where a destination does not exist; without endpoints, calls fail at once. */
const nowhere: readonly EnvoyResource[] = [
  {
    type: 'cluster',
    name: blackHoleCluster,
    message: encode(ClusterSchema, { name: blackHoleCluster, ...fromUs, lbPolicy: Cluster_LbPolicy.ROUND_ROBIN }),
    clusters: [],
    needs: [blackHoleCluster],
  },
  {
    type: 'endpoints',
    name: blackHoleCluster,
    message: encode(ClusterLoadAssignmentSchema, { clusterName: blackHoleCluster }),
    clusters: [],
    needs: [],
  },
]

/** A group of endpoints without a place or a weight of its own is left out by gRPC, and so would be one named by host. */
function renderEndpoints(cluster: Cluster): EnvoyResource {
  const endpoints = cluster.endpoints.filter(({ address }) => isAddress(address))
  const assignment = create(ClusterLoadAssignmentSchema, loadAssignment({ ...cluster, endpoints }))
  const groups = assignment.endpoints.map((group) => ({
    ...group,
    locality: group.locality ?? create(LocalitySchema),
    loadBalancingWeight: weightOf(group.lbEndpoints),
  }))
  const message = encode(ClusterLoadAssignmentSchema, { ...assignment, endpoints: groups })
  return { type: 'endpoints', name: cluster.name, message, clusters: [], needs: [] }
}

const isAddress = (address: Endpoint['address']): boolean => /^[\d.]+$/.test(address) || address.includes(':')

const weightOf = (endpoints: readonly LbEndpoint[]): number =>
  endpoints.reduce((sum, { loadBalancingWeight = 1 }) => sum + loadBalancingWeight, 0)

const withoutUnknown = (table: RouteTable): RouteTable => ({
  ...table,
  virtualHosts: table.virtualHosts.map((host) => ({ ...host, routes: host.routes.map(routeForGrpc) })),
})

/** Nobody is there to answer by itself, and grpc-js breaks on an action that leads nowhere: such calls fail. */
function routeForGrpc({ cors: _, answer, ...route }: Route): Route {
  return answer === undefined ? route : { ...route, clusters: [{ cluster: undefined, weight: 1 }] }
}
