import type { KubernetesObject } from '../../api/index.ts'
import { type Logger, messageOf } from '../../runtime/index.ts'
import { createMeshRenderer, type Observability, type ProxyResources } from '../envoy/index.ts'
import { type ClusterObjects, configurationLists } from '../istio/index.ts'
import { type Finding, type Mesh, shareMesh } from '../model/index.ts'
import { type AdsServer, createSnapshotBuilder, type Snapshot, type SnapshotBuilder } from '../xds/index.ts'
import type { Certificates } from './certificates.ts'
import { createTranslator, keyOf, keyText } from './last-good.ts'
import { type Need, needsByObject } from './needs.ts'

/** The configuration as it was last built and handed to the server. */
export interface Configuration {
  readonly findings: ReadonlyMap<string, readonly Finding[]>
  readonly needs: ReadonlyMap<string, readonly Need[]>
  readonly snapshots: ReadonlyMap<string, Snapshot>
  /** Generation of each routing object that it was built from. */
  readonly generations: ReadonlyMap<string, number>
}

export const emptyConfiguration: Configuration = {
  findings: new Map(),
  needs: new Map(),
  snapshots: new Map(),
  generations: new Map(),
}

export interface ConfigurationBuilder {
  /** Brings every proxy the configuration for these objects; what cannot be built leaves the last one in force. */
  apply(objects: ClusterObjects, last: Configuration): Configuration
}

export function createConfigurationBuilder(
  ads: AdsServer,
  certificates: Pick<Certificates, 'want' | 'secretsOf'>,
  { log, observability }: { readonly log: Logger; readonly observability?: Observability | undefined },
): ConfigurationBuilder {
  const toMesh = createTranslator()
  const render = createMeshRenderer(observability)
  const toSnapshot = createSnapshotBuilder()
  let built: Mesh = { clusters: [], proxies: [], findings: [] }
  return {
    apply(objects, last) {
      try {
        const mesh = shareMesh(built, toMesh(objects))
        certificates.want(mesh.proxies.map(({ workload }) => workload))
        const snapshots = buildSnapshots(withSecrets(mesh, render(mesh), certificates), toSnapshot, last, log)
        built = mesh
        for (const [nodeId, snapshot] of snapshots) ads.setSnapshot(nodeId, snapshot)
        for (const nodeId of last.snapshots.keys()) if (!snapshots.has(nodeId)) ads.removeSnapshot(nodeId)
        return {
          findings: Map.groupBy(mesh.findings, (finding) => keyText(finding.object)),
          needs: needsByObject(mesh.proxies),
          snapshots,
          generations: generationsOf(objects),
        }
      } catch (error) {
        log.error({ error: messageOf(error) }, 'configuration could not be built; proxies keep the last one')
        return last
      }
    },
  }
}

/** What all proxies share, and to each the secrets of its own identity. */
const withSecrets = (
  mesh: Mesh,
  rendered: ReadonlyMap<string, ProxyResources>,
  { secretsOf }: Pick<Certificates, 'secretsOf'>,
): ReadonlyMap<string, ProxyResources> =>
  new Map(mesh.proxies.map(({ id, workload }) => [id, [...(rendered.get(id) ?? []), secretsOf(workload)]] as const))

function buildSnapshots(
  rendered: ReadonlyMap<string, ProxyResources>,
  toSnapshot: SnapshotBuilder,
  last: Configuration,
  log: Logger,
): ReadonlyMap<string, Snapshot> {
  const snapshots = new Map<string, Snapshot>()
  for (const [nodeId, resources] of rendered) {
    const built = toSnapshot(resources)
    const kept = built.ok ? built.value : last.snapshots.get(nodeId)
    if (!built.ok) log.error({ node: nodeId, error: built.error }, 'inconsistent configuration was not set')
    if (kept !== undefined) snapshots.set(nodeId, kept)
  }
  return snapshots
}

const generationsOf = (objects: ClusterObjects): ReadonlyMap<string, number> =>
  new Map(
    configurationLists
      .flatMap((list): readonly KubernetesObject[] => objects[list])
      .map((object) => [keyText(keyOf(object)), object.metadata.generation ?? 0]),
  )
