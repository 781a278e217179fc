import type { Cluster } from './cluster.ts'
import type { Finding } from './finding.ts'
import type { MeshProxy } from './proxy.ts'

/** Everything the proxies are to know, at one moment. */
export interface Mesh {
  /** Of every port and subset; proxies that know less, or other policies, have their own list. */
  readonly clusters: readonly Cluster[]
  readonly proxies: readonly MeshProxy[]
  readonly findings: readonly Finding[]
}
