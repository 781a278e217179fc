import { getCACertificates } from 'node:tls'
import type { KubernetesObject } from '../../api/index.ts'
import { remember } from '../../base/index.ts'
import { type Clock, type Logger, messageOf } from '../../runtime/index.ts'
import {
  createMeshRenderer,
  type Observability,
  type ProxyResources,
  renderSystemRoots,
  telemetryDefaults,
} from '../envoy/index.ts'
import { type ClusterObjects, configurationLists, keyOf } from '../istio/index.ts'
import { createMeshSharing, type Finding, keyText, type Mesh } from '../model/index.ts'
import { type AdsServer, createSnapshotBuilder, type Snapshot, type SnapshotBuilder } from '../xds/index.ts'
import type { Certificates } from './certificates.ts'
import type { Credentials } from './credentials.ts'
import { createTranslator } from './last-good.ts'
import { createListenerHistory } from './listener-history.ts'
import { type Need, needsByObject } from './needs.ts'
import { type RulesOf, rulesIn, type SuspectsOf } from './rejected-rules.ts'
import { createRouteHolder } from './route-holder.ts'

/** The configuration as it was last built and handed to the server. */
export interface Configuration {
  readonly findings: ReadonlyMap<string, readonly Finding[]>
  readonly needs: ReadonlyMap<string, readonly Need[]>
  readonly rulesOf: RulesOf
  readonly suspectsOf: SuspectsOf
  readonly snapshots: ReadonlyMap<string, Snapshot>
  /** Generation of each routing object that it was built from. */
  readonly generations: ReadonlyMap<string, number>
  /** What is to be said of an object although it is in force. */
  readonly notes: ReadonlyMap<string, string>
  /** Of all endpoints. */
  readonly addresses: () => ReadonlySet<string>
  /** In how long it must be built again, whatever happens; absent when it need not. */
  readonly againInMs?: number
}

export const emptyConfiguration: Configuration = {
  findings: new Map(),
  needs: new Map(),
  rulesOf: () => [],
  suspectsOf: (_, { keys }) => keys,
  snapshots: new Map(),
  generations: new Map(),
  notes: new Map(),
  addresses: () => new Set(),
}

/** Where what only one proxy may know comes from. */
export interface Secrets {
  readonly certificates: Pick<Certificates, 'want' | 'secretsOf'>
  readonly credentials: Pick<Credentials, 'want' | 'secretsOf' | 'isPending'>
}

export interface ConfigurationBuilder {
  /** Brings every proxy the configuration for these objects; what cannot be built leaves the last one in force. */
  apply(objects: ClusterObjects, last: Configuration): Configuration
}

export interface BuilderOptions {
  readonly log: Logger
  readonly clock: Pick<Clock, 'monotonic'>
  readonly observability?: Observability | undefined
  /** How long a route waits for the endpoints that it leads to; 3 s when absent. */
  readonly holdAtMostMs?: number
}

export function createConfigurationBuilder(
  ads: AdsServer,
  secrets: Secrets,
  { log, clock, observability, holdAtMostMs = 3_000 }: BuilderOptions,
): ConfigurationBuilder {
  const holder = createRouteHolder(createTranslator(telemetryDefaults(observability)), holdAtMostMs)
  const render = createMeshRenderer(observability)
  const toSnapshot = createSnapshotBuilder()
  const history = createListenerHistory()
  const shareMesh = createMeshSharing()
  let built: Mesh = { clusters: [], proxies: [], findings: [] }
  return {
    apply(objects, last) {
      try {
        const now = clock.monotonic()
        const held = holder.hold(objects, now)
        const mesh = shareMesh(built, held.mesh)
        secrets.certificates.want(mesh.proxies.map(({ workload }) => workload))
        secrets.credentials.want(mesh.proxies.flatMap(({ credentials = [] }) => credentials))
        const rendered = withSecrets(mesh, render(mesh), secrets)
        const snapshots = buildSnapshots(rendered, toSnapshot, { last, waiting: waitingProxies(mesh, secrets), log })
        built = mesh
        warnOfServices(mesh.findings, last, log)
        for (const [nodeId, snapshot] of snapshots) ads.setSnapshot(nodeId, snapshot)
        for (const nodeId of last.snapshots.keys()) if (!snapshots.has(nodeId)) ads.removeSnapshot(nodeId)
        const generations = generationsOf(held.objects)
        return {
          findings: Map.groupBy(mesh.findings, (finding) => keyText(finding.object)),
          needs: needsByObject(mesh.proxies),
          rulesOf: rulesIn(mesh),
          suspectsOf: history.record({ proxies: mesh.proxies, snapshots, generations }),
          snapshots,
          generations,
          notes: held.notes,
          addresses: () => addressesOf(mesh),
          ...(held.untilMs === undefined ? {} : { againInMs: Math.max(0, held.untilMs - now) }),
        }
      } catch (error) {
        log.error({ error: messageOf(error) }, 'configuration could not be built; proxies keep the last one')
        return last
      }
    },
  }
}

/** Of this machine's Node.js, those of NODE_EXTRA_CA_CERTS included: an image of Envoy may have none. */
const systemRoots = [renderSystemRoots(getCACertificates('default').join('\n'))]

/** What all proxies share, and to each the secrets of its own identity and those of its own servers. */
const withSecrets = (
  mesh: Mesh,
  rendered: ReadonlyMap<string, ProxyResources>,
  { certificates, credentials }: Secrets,
): ReadonlyMap<string, ProxyResources> =>
  new Map(
    mesh.proxies.map(({ id, workload, credentials: uses = [] }) => {
      const own = [
        certificates.secretsOf(workload),
        systemRoots,
        ...(uses.length === 0 ? [] : [credentials.secretsOf(uses)]),
      ]
      return [id, [...(rendered.get(id) ?? []), ...own]] as const
    }),
  )

/** A server whose Secret is only being read would be taken away for a moment: its proxy stays as it is until then. */
const waitingProxies = (mesh: Mesh, { credentials }: Secrets): ReadonlySet<string> =>
  new Set(mesh.proxies.filter(({ credentials: uses = [] }) => uses.some(credentials.isPending)).map(({ id }) => id))

function buildSnapshots(
  rendered: ReadonlyMap<string, ProxyResources>,
  toSnapshot: SnapshotBuilder,
  { last, waiting, log }: { readonly last: Configuration; readonly waiting: ReadonlySet<string>; readonly log: Logger },
): ReadonlyMap<string, Snapshot> {
  const snapshots = new Map<string, Snapshot>()
  for (const [nodeId, resources] of rendered) {
    const before = last.snapshots.get(nodeId)
    if (before !== undefined && waiting.has(nodeId)) {
      snapshots.set(nodeId, before)
      continue
    }
    const built = toSnapshot(resources)
    const kept = built.ok ? built.value : before
    if (!built.ok) log.error({ node: nodeId, error: built.error }, 'inconsistent configuration was not set')
    if (kept !== undefined) snapshots.set(nodeId, kept)
  }
  return snapshots
}

/** A Service has no condition that could say it. */
function warnOfServices(findings: readonly Finding[], { findings: known }: Configuration, log: Logger): void {
  for (const { object, message } of findings) {
    const isNew = !known.get(keyText(object))?.some((other) => other.message === message)
    if (object.kind === 'Service' && isNew) log.warn({ service: object, error: message }, 'a Service is not followed')
  }
}

/** Looked for when somebody asks. */
const addressesOf = remember(
  ({ clusters, proxies }: Mesh): ReadonlySet<string> =>
    new Set(
      [...new Set([clusters, ...proxies.map((proxy) => proxy.clusters ?? [])])]
        .flat()
        .flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
    ),
)

const generationsOf = (objects: ClusterObjects): ReadonlyMap<string, number> =>
  new Map(
    configurationLists
      .flatMap((list): readonly KubernetesObject[] => objects[list])
      .map((object) => [keyText(keyOf(object)), object.metadata.generation ?? 0]),
  )
