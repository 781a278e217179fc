import type { Registry } from 'prom-client'
import { createWorkQueue, type KubeClient } from '../../kube/index.ts'
import { type Clock, type Logger, runTogether, untilAborted } from '../../runtime/index.ts'
import type { Observability } from '../envoy/index.ts'
import { type EnvoyResource, trustSecret } from '../envoy/index.ts'
import { rootNamespace } from '../model/index.ts'
import { type AdsObserver, type AdsServer, type Authenticate, createAdsServer } from '../xds/index.ts'
import { type CertificateSettings, createCertificates } from './certificates.ts'
import { createConfigurationBuilder, emptyConfiguration } from './configuration.ts'
import { createDebouncer, type Debouncer } from './debouncer.ts'
import { createDepartures, type Departures } from './departures.ts'
import type { KeyFetcherSettings } from './key-fetcher.ts'
import { createMeasures, type Measures } from './measures.ts'
import { buildOwnReport, type OwnReportInput } from './own-report.ts'
import { createPresence, type Presence } from './presence.ts'
import { createProxyViews, type ProxyViews } from './proxy-views.ts'
import { createProgrammedReconciler, type Facts, type ProgrammedReconciler } from './reconcile.ts'
import type { ReplicaReport } from './replica-report.ts'
import { createReplicas, type ReplicaSettings, type ReplicaTalk } from './replicas.ts'
import { createSources, type Sources } from './sources.ts'
import { createWatches, onConfigurationChange, type PushReason, type ReflectorOf, type Watches } from './watches.ts'

export interface ControlPlaneOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace' | 'patch'>
  /** Makes the local copy of a kind; the control plane starts it. */
  readonly reflectorOf: ReflectorOf
  readonly xds: { readonly host: string; readonly port: number; readonly authenticate: Authenticate }
  /** Where the authority is kept; Istio's root namespace when absent. */
  readonly authorityNamespace?: string | undefined
  /** Of several replicas; without it this one is alone. */
  readonly replica?: ReplicaSettings | undefined
  readonly certificates?: CertificateSettings
  /** Whether each namespace whose pods have sidecars is shown the roots; not when absent. */
  readonly publishesRoots?: boolean
  readonly keys?: KeyFetcherSettings
  /** How often Secrets of gateways are read; 5 s when absent. */
  readonly credentialPollMs?: number
  readonly random?: () => number
  readonly clock: Clock
  readonly log: Logger
  readonly registry?: Registry
  /** Access logs and traces of the proxies; none when absent. */
  readonly observability?: Observability | undefined
  /** How long proxies may take before a VirtualService says ProxiesLagging; 10 s when absent. */
  readonly laggingAfterMs?: number
  /** How long a proxy that was lost, or not seen since the start, is waited for; 5 s when absent. */
  readonly returnWithinMs?: number
}

export interface ControlPlane {
  /** For people. */
  readonly views: ProxyViews
  readonly departures: Pick<Departures, 'untilGone'>
  /** Resolves when the signal fires; rejects when the xDS address is taken. */
  start(signal: AbortSignal): Promise<void>
  /** The port of xDS, once proxies are served. */
  readonly serving: Promise<number>
  isReady(): boolean
}

/** Proxies answer one after the other: the verdict over all of them is not made for each. */
const ANSWERS_TOGETHER_MS = 10

const DEBOUNCE = { quietMs: 100, atMostMs: 1_000 }

export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { clock, log } = options
  const watches = createWatches(options.reflectorOf)
  const presence = createPresence(clock, options.returnWithinMs ?? 5_000)
  const expiries = () => certificates.expiries()
  const measures = createMeasures({ ...options, watches, connected: presence.count, expiries })
  let configuration = emptyConfiguration
  const facts = () => ({ ...expectationsOf(presence), configuration, connected: ads.connected() })
  const departures = createDepartures(facts, clock)
  const programmed = createProgrammedReconciler({
    ...options,
    watches,
    metrics: measures.metrics,
    laggingAfterMs: options.laggingAfterMs ?? 10_000,
    enqueue: (key) => queue.add(key),
    enqueueSoon: (key) => queue.addAfter(key, ANSWERS_TOGETHER_MS),
    ...{ facts, replicas: () => replicas },
  })
  const queue = createWorkQueue({ clock, log, reconcile: programmed.reconcile })
  const changed = tellOfChanges(measures, () => debouncer)
  const sources = createSources({ ...options, watches, changed: () => changed(false, 'secret') })
  const certificates = createCertificates({
    ...certificateSettings(options, watches),
    ...measures,
    isKnownEverywhere: (roots) => roots === builtRoots && isAcceptedEverywhere(facts(), replicas.others()),
    changed: () => changed(true, 'secret'),
  })
  const observer = observe(presence, measures, programmed, departures)
  const ads = createAdsServer({ ...options.xds, log, observer, certificate: certificates.server })
  const builder = createConfigurationBuilder(ads, { certificates, credentials: sources.credentials }, options)
  const replicas = createReplicas(options, talkOf(facts, programmed))
  /** The roots that the snapshots have. */
  let builtRoots: EnvoyResource | undefined
  const build = (waitedMs: number): void => {
    configuration = measures.build(configuration, waitedMs, () => {
      builtRoots = certificates.roots()
      return builder.apply(sources.objects(), configuration)
    })
    debouncer.expect(configuration.againInMs)
    programmed.configurationChanged()
    departures.changed()
  }
  const debouncer = createDebouncer({ ...DEBOUNCE, clock, run: build })
  const begin = async (signal: AbortSignal): Promise<void> => {
    await firstBuild(build, sources, signal)
    presence.expect(configuration.snapshots.keys())
    onConfigurationChange(watches, changed)
    watches.virtualServices.onChange(programmed.objectChanged)
  }
  const needed = Promise.all([sources.synced, certificates.ready])
  const beside = [debouncer.start, queue.start, replicas.start]
  const server = serveWhenReady(needed, { ...options, ads, begin, beside })
  return {
    ...server,
    ...{ departures, views: createProxyViews(facts) },
    start: (signal) => runTogether(signal, [sources.start, certificates.start, server.start]),
  }
}

const tellOfChanges =
  (measures: Measures, debouncer: () => Debouncer) =>
  (isUrgent: boolean, reason: PushReason): void => {
    measures.changed(reason)
    debouncer().changed(isUrgent)
  }

interface ServingOptions extends Pick<ControlPlaneOptions, 'log' | 'xds'> {
  readonly ads: AdsServer
  readonly begin: (signal: AbortSignal) => Promise<void>
  readonly beside: readonly ((signal: AbortSignal) => Promise<void>)[]
}

function serveWhenReady(
  needed: Promise<unknown>,
  { log, xds, ads, begin, beside }: ServingOptions,
): Omit<ControlPlane, 'views' | 'departures'> {
  const serving = Promise.withResolvers<number>()
  let isReady = false
  return {
    serving: serving.promise,
    isReady: () => isReady,
    async start(signal) {
      await Promise.race([needed, untilAborted(signal)])
      if (signal.aborted) return
      await begin(signal)
      const port = await ads.listen()
      log.info({ host: xds.host, port }, 'xDS is served')
      isReady = true
      serving.resolve(port)
      await runTogether(signal, beside)
      ads.close()
    },
  }
}

/** The first configuration is there before the first proxy: none is told that it has nothing. */
async function firstBuild(build: (waitedMs: number) => void, sources: Sources, signal: AbortSignal): Promise<void> {
  build(0)
  if (await sources.credentials.settled(signal)) build(0)
}

const certificateSettings = (options: ControlPlaneOptions, watches: Watches) => ({
  shownIn: options.publishesRoots === true ? watches : undefined,
  ...options.certificates,
  client: options.client,
  namespace: options.authorityNamespace ?? rootNamespace,
  clock: options.clock,
  log: options.log,
  random: options.random ?? Math.random,
})

/** What a proxy has not asked for it does not need. */
function isAcceptedEverywhere(
  { connected, configuration: { snapshots } }: Pick<Facts, 'connected' | 'configuration'>,
  others: readonly ReplicaReport[],
): boolean {
  const rootsOf = (nodeId: string) => snapshots.get(nodeId)?.resources.secret.get(trustSecret)?.version
  const [anyNode = ''] = snapshots.keys()
  return (
    others.every(({ roots }) => roots === '' || roots === rootsOf(anyNode)) &&
    [...connected.values()].every((proxy) => {
      const accepted = proxy.accepted('secret', trustSecret)
      return accepted === undefined || accepted === rootsOf(proxy.nodeId)
    })
  )
}

const expectationsOf = ({ isExpected, expected }: Presence) => ({ isExpected, expected })

const talkOf = (facts: () => Omit<OwnReportInput, 'open'>, programmed: ProgrammedReconciler): ReplicaTalk => ({
  own: () => buildOwnReport({ ...facts(), open: programmed.open() }),
  changed: programmed.configurationChanged,
})

const observe = (
  presence: Presence,
  measures: Measures,
  programmed: ProgrammedReconciler,
  departures: Departures,
): AdsObserver => ({
  ...measures,
  connected(nodeId) {
    presence.connected(nodeId)
    programmed.proxiesChanged()
  },
  disconnected(nodeId) {
    presence.disconnected(nodeId)
    measures.disconnected(nodeId)
    programmed.proxiesChanged()
    departures.changed()
  },
  received(nodeId, event) {
    measures.received(nodeId, event)
    if (event.kind === 'accepted') programmed.proxiesChanged()
    else if (event.kind === 'rejected') programmed.configurationChanged()
    departures.changed()
  },
})
