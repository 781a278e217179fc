import { findOrMake, remember } from '../../base/index.ts'
import type { Cluster, CredentialUse, Finding, ObjectKey } from '../model/index.ts'
import { credentialsOf } from './client-tls.ts'
import type { CredentialPlace } from './credential-places.ts'
import { type CredentialOf, distinctUses } from './gateway-listeners.ts'

export interface ClientCredentialsInput {
  readonly credentialOf: CredentialOf
  /** Where a DestinationRule names Secrets. */
  readonly placesOf: (rule: ObjectKey) => readonly CredentialPlace[]
}

export interface CredentialedClusters {
  /** The same list where every Secret that it needs can be used. */
  readonly clusters: readonly Cluster[]
  readonly credentials: readonly CredentialUse[]
  readonly findings: readonly Finding[]
}

/** What the clusters of a proxy of a namespace need of its Secrets. Proxies of one namespace share the answer. */
export type ClientCredentials = (clusters: readonly Cluster[], namespace: string) => CredentialedClusters

/** A cluster whose Secret cannot be used has no endpoints: nothing is sent to it in another way. */
export function createClientCredentials(input: ClientCredentialsInput): ClientCredentials {
  const ofList = remember((_: readonly Cluster[]) => new Map<string, CredentialedClusters>())
  return (clusters, namespace) =>
    findOrMake(ofList(clusters), namespace, () => findCredentials(clusters, namespace, input))
}

function findCredentials(
  clusters: readonly Cluster[],
  namespace: string,
  { credentialOf, placesOf }: ClientCredentialsInput,
): CredentialedClusters {
  const needing = clusters.flatMap((cluster) => {
    const uses = credentialsOf(cluster.tls, namespace)
    return uses.length === 0 ? [] : [{ cluster, uses, found: uses.map(credentialOf) }]
  })
  const lacking = new Set(
    needing.filter(({ found }) => !found.every(({ isUsable }) => isUsable)).map(({ cluster }) => cluster),
  )
  return {
    clusters: lacking.size === 0 ? clusters : clusters.map((each) => (lacking.has(each) ? closed(each) : each)),
    credentials: distinctUses(needing.flatMap(({ uses }) => uses)),
    findings: needing.flatMap(({ cluster, uses, found }) => {
      const problems = found.flatMap(({ problem }) => problem ?? [])
      if (problems.length === 0) return []
      const end = `proxies of ${namespace} send nothing to ${cluster.service.host} meanwhile`
      const message = [...problems, ...(lacking.has(cluster) ? [end] : [])].join('; ')
      const names = new Set(uses.map(({ name }) => name))
      return (cluster.origins ?? []).flatMap((object) =>
        placesOf(object)
          .filter(({ credential }) => names.has(credential))
          .map(({ path }): Finding => ({ object, reason: 'CredentialUnavailable', message: `${path}: ${message}` })),
      )
    }),
  }
}

function closed({ tls: _, healthCheck: __, resolution: ___, ...cluster }: Cluster): Cluster {
  return { ...cluster, endpoints: [] }
}
