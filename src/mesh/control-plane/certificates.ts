import { remember } from '../../base/index.ts'
import { runTogether } from '../../runtime/index.ts'
import { createIssuer, type Leaf } from '../ca/index.ts'
import { type EnvoyResource, renderIdentity } from '../envoy/index.ts'
import { controlPlaneIdentity, spiffeId, type WorkloadIdentity } from '../model/index.ts'
import type { ServerCertificate } from '../xds/index.ts'
import { createRootsPublisher, type RootsPublisherOptions } from './roots-publisher.ts'
import { createTrustKeeper, type TrustKeeperOptions } from './trust-keeper.ts'

export interface CertificateSettings {
  /** 24 h when absent. */
  readonly leafLifetimeMs?: number
  /** How often the authority's Secret is read; 5 s when absent. */
  readonly pollMs?: number
  /** How long a new root waits for proxies that do not answer; 60 s when absent. */
  readonly waitAtMostMs?: number
}

export interface CertificatesOptions
  extends CertificateSettings,
    Pick<TrustKeeperOptions, 'client' | 'namespace' | 'clock' | 'log' | 'isKnownEverywhere'> {
  readonly random: () => number
  /** There are new secrets. */
  readonly changed: () => void
  readonly issued: (count: number) => void
  readonly issuingFailed: () => void
  /** Where pods have sidecars: they are shown the roots. Nobody is when absent. */
  readonly shownIn?: Pick<RootsPublisherOptions, 'namespaces' | 'pods'> | undefined
}

/** When what proxies trust ends, in milliseconds since 1970. */
export interface Expiries {
  readonly rootMs: number
  /** Of the certificate that signs. */
  readonly authorityMs: number
  /** Of the workloads' the first; undefined while there is none. */
  readonly firstLeafMs: number | undefined
}

/** What proxies show each other, kept fresh. */
export interface Certificates {
  start(signal: AbortSignal): Promise<void>
  /** Resolves once the control plane has a certificate itself. */
  readonly ready: Promise<void>
  want(workloads: readonly WorkloadIdentity[]): void
  /** All that a proxy of this workload may know: its own certificate, once there is one, and the roots. The same list while neither changes. */
  secretsOf(workload: WorkloadIdentity): readonly EnvoyResource[]
  readonly roots: () => EnvoyResource | undefined
  /** Undefined until there is an authority. */
  expiries(): Expiries | undefined
  readonly server: ServerCertificate
}

const DAY_MS = 24 * 3600_000

export function createCertificates(options: CertificatesOptions): Certificates {
  const { leafLifetimeMs = DAY_MS, pollMs = 5_000, waitAtMostMs = 60_000 } = options
  const ready = Promise.withResolvers<void>()
  const rootsAlone = remember((roots: EnvoyResource) => [roots])
  const secretsWith = remember((leaf: Leaf) => {
    const identity = renderIdentity(leaf)
    return remember((roots: EnvoyResource) => [identity, roots])
  })
  const listeners = new Set<() => void>()

  const issued = (count: number): void => {
    options.issued(count)
    if (issuer.leafOf(controlPlaneIdentity) !== undefined) ready.resolve()
    for (const listener of listeners) listener()
    options.changed()
  }
  const issuer = createIssuer({ ...options, leafLifetimeMs, issued, failed: options.issuingFailed })
  issuer.want([controlPlaneIdentity])
  const keeper = createTrustKeeper({
    ...options,
    ...{ leafLifetimeMs, pollMs, waitAtMostMs },
    rootsChanged() {
      options.changed()
      publisher?.rootsChanged()
    },
    use: issuer.use,
  })
  const publisher = options.shownIn && createRootsPublisher({ ...options, ...options.shownIn, bundle: keeper.bundle })

  return {
    ready: ready.promise,
    start: (signal) =>
      runTogether(signal, [keeper.start, issuer.start, ...(publisher === undefined ? [] : [publisher.start])]),
    want: (workloads) => issuer.want(new Set([controlPlaneIdentity, ...workloads.map(spiffeId)])),
    secretsOf(workload) {
      const leaf = issuer.leafOf(spiffeId(workload))
      const roots = keeper.roots()
      if (roots === undefined) return []
      return leaf === undefined ? rootsAlone(roots) : secretsWith(leaf)(roots)
    },
    roots: keeper.roots,
    expiries() {
      const authority = keeper.authority()
      if (authority === undefined) return undefined
      const { rootNotAfterMs: rootMs, notAfterMs: authorityMs } = authority
      return { rootMs, authorityMs, firstLeafMs: issuer.firstExpiryMs() }
    },
    server: {
      current: () => issuer.leafOf(controlPlaneIdentity),
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
  }
}
