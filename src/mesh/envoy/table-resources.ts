import { findOrMake, remember } from '../../base/index.ts'
import type { RouteTable, VirtualHost } from '../model/index.ts'
import type { EnvoyResource } from './resource.ts'
import { renderHostOf, renderRouteTable } from './route.ts'

/** Renders route tables; what is the same object of the model as before gives the same resource as before. */
export interface TableRenderer {
  table(table: RouteTable): EnvoyResource
  /** The virtual hosts of a table whose hosts come one by one, the same array for all who share the table. */
  hosts(table: RouteTable): readonly EnvoyResource[]
}

export function createTableRenderer(): TableRenderer {
  const renderWhole = remember(renderRouteTable)
  const bareTables = new Map<string, EnvoyResource>()
  const ofHost = remember((_: VirtualHost) => new Map<string, EnvoyResource>())

  // It says the same whatever becomes of its hosts.
  const renderBare = (table: RouteTable): EnvoyResource => {
    const rendered = renderRouteTable(table)
    const key = [table.name, table.ignorePortInHost, ...rendered.needs].join()
    return findOrMake(bareTables, key, () => rendered)
  }
  const renderHost = (table: string, host: VirtualHost): EnvoyResource =>
    findOrMake(ofHost(host), table, () => renderHostOf(table, host))
  return {
    table: remember((table: RouteTable) => (table.hostsOneByOne === true ? renderBare : renderWhole)(table)),
    hosts: remember(({ name, virtualHosts }: RouteTable) => virtualHosts.map((host) => renderHost(name, host))),
  }
}
