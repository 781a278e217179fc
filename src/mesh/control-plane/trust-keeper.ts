import { type Clock, type Logger, messageOf } from '../../runtime/index.ts'
import { type Authority, bundleOf, firstTrust, openAuthority, settleTrust, type Trust } from '../ca/index.ts'
import { type EnvoyResource, renderTrust } from '../envoy/index.ts'
import { createAuthorityStore, type StoreClient } from './authority-store.ts'

export interface TrustKeeperOptions {
  readonly client: StoreClient
  /** Where the authority is kept. */
  readonly namespace: string
  readonly clock: Clock
  readonly log: Logger
  readonly leafLifetimeMs: number
  readonly pollMs: number
  readonly waitAtMostMs: number
  /** Whether every proxy has accepted these roots. */
  readonly isKnownEverywhere: (roots: EnvoyResource) => boolean
  /** Called when other roots count. */
  readonly rootsChanged: () => void
  /** Called with the authority that is to issue. */
  readonly use: (authority: Authority) => void
}

/** Follows the authority in the API and leads the mesh from one root to the next. */
export interface TrustKeeper {
  start(signal: AbortSignal): Promise<void>
  /** The roots that count, for proxies; undefined until an authority was read. */
  roots(): EnvoyResource | undefined
  /** The same as PEM. */
  bundle(): string | undefined
  /** Who issues now. */
  authority(): Authority | undefined
}

/** Share of its life after which the mesh's own root is replaced. */
const RENEW_ROOT_AT = 0.8

export function createTrustKeeper(options: TrustKeeperOptions): TrustKeeper {
  const { clock, log } = options
  const store = createAuthorityStore(options.client, options.namespace)
  let trust: Trust | undefined
  let roots: { readonly bundle: string; readonly resource: EnvoyResource } | undefined
  let lastProblem: string | undefined

  const settle = async (wanted: Authority): Promise<void> => {
    const isKnownEverywhere = roots !== undefined && options.isKnownEverywhere(roots.resource)
    const before = trust ?? firstTrust(wanted, await store.loadRetiring(clock.now() + options.leafLifetimeMs))
    trust = settleTrust(before, { ...options, wanted, isKnownEverywhere, now: clock.now() })
    if (before.issuing.root !== trust.issuing.root)
      log.info({}, 'certificates are issued from the new root from now on')
    const bundle = bundleOf(trust)
    await store.saveRoots(bundle, trust.retiring)
    if (bundle !== roots?.bundle) {
      roots = { bundle, resource: renderTrust(bundle) }
      options.rootsChanged()
    }
    options.use(trust.issuing)
  }

  const refresh = async (): Promise<void> => {
    const now = clock.now()
    const { source, files, isOwn } = await store.load(now)
    const opened = await openAuthority(files, now)
    if (!opened.ok) throw new Error(`${source}: ${opened.error}`)
    const known = [trust?.issuing, trust?.incoming?.authority].find(isSameAs(opened.value))
    await settle(known ?? opened.value)
    if (isOwn && isOld(opened.value, now)) await store.renew(now)
  }

  return {
    roots: () => roots?.resource,
    bundle: () => roots?.bundle,
    authority: () => trust?.issuing,
    async start(signal) {
      while (!signal.aborted) {
        try {
          await refresh()
          lastProblem = undefined
        } catch (error) {
          const problem = messageOf(error)
          if (problem !== lastProblem) log.error({ error: problem }, 'the authority cannot be used; the last one stays')
          lastProblem = problem
        }
        await clock.sleep(options.pollMs, signal)
      }
    },
  }
}

/** One that was read again is the one that is known: its leaves stay. */
const isSameAs =
  (read: Authority) =>
  (known: Authority | undefined): boolean =>
    known?.certificate === read.certificate && known.root === read.root

const isOld = ({ notBeforeMs, notAfterMs }: Authority, now: number): boolean =>
  now > notBeforeMs + (notAfterMs - notBeforeMs) * RENEW_ROOT_AT
