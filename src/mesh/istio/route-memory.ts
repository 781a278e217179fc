import { findOrMake, type Keep, keepLast, remember } from '../../base/index.ts'
import type { Route, RouteTable, TcpRoute, VirtualHost } from '../model/index.ts'
import type { Scope } from './scope.ts'
import type { DestinationCatalog, RouteRules } from './virtual-service.ts'

/** What was made of the same destinations and the same rules before: it is the very same again. */
export interface RouteMemory {
  readonly of: (catalog: DestinationCatalog, rules: RouteRules | undefined) => KnownRoutes
  /** The routes belong to one port of one Service; `as` tells apart the hosts that are made of them. */
  readonly host: (routes: readonly Route[], as: string, make: () => VirtualHost) => VirtualHost
  readonly table: (routes: readonly Route[], make: () => RouteTable) => RouteTable
  /** A table of many hosts; `as` tells apart those that are made of what is reached. */
  readonly tableOf: (reached: Scope['reached'], as: string) => Keep<RouteTable>
}

/** By the place that the routes are for, and by who asks where the rules look at that. */
export interface KnownRoutes {
  readonly requests: Map<string, readonly Route[]>
  readonly connections: Map<string, TcpRoute>
}

export function createRouteMemory(): RouteMemory {
  const known = remember((_: DestinationCatalog['services']) =>
    remember((_: DestinationCatalog['policies']) =>
      remember((_: object): KnownRoutes => ({ requests: new Map(), connections: new Map() })),
    ),
  )
  const hosts = remember((_: readonly Route[]) => new Map<string, VirtualHost>())
  const tables = remember((_: readonly Route[]) => new Map<'own', RouteTable>())
  const lastTables = remember((_: Scope['reached']) => new Map<string, Keep<RouteTable>>())
  return {
    tableOf: (reached, as) => findOrMake(lastTables(reached), as, () => keepLast()),
    of: ({ services, policies }, rules) => known(services)(policies)(rules ?? noRules),
    host: (routes, as, make) => findOrMake(hosts(routes), as, make),
    table: (routes, make) => findOrMake(tables(routes), 'own', make),
  }
}

const noRules = {}
