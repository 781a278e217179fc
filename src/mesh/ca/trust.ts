import type { Authority } from './authority.ts'

/** A root that no leaf is issued from any more, while leaves that lead to it may still be shown. */
export interface RetiringRoot {
  readonly root: string
  readonly untilMs: number
}

/** Which roots count, and which authority issues. */
export interface Trust {
  readonly issuing: Authority
  /** Its root counts already; it issues once everybody knows that. */
  readonly incoming?: { readonly authority: Authority; readonly sinceMs: number }
  readonly retiring: readonly RetiringRoot[]
}

export interface TrustFacts {
  /** The authority that is to issue in the end. */
  readonly wanted: Authority
  readonly now: number
  /** Every proxy has accepted the bundle as it is. */
  readonly isKnownEverywhere: boolean
  /** A proxy that does not answer holds a rotation up no longer than this. */
  readonly waitAtMostMs: number
  readonly leafLifetimeMs: number
}

export const firstTrust = (issuing: Authority, retiring: readonly RetiringRoot[]): Trust => ({
  issuing,
  retiring: retiring.filter(({ root }) => root !== issuing.root),
})

/**
 * The next step of a rotation: a new root counts everywhere before anything is issued from it, and an old one counts
 * until the last leaf that leads to it has expired.
 */
export function settleTrust(trust: Trust, facts: TrustFacts): Trust {
  const kept = { ...trust, retiring: trust.retiring.filter(({ untilMs }) => untilMs > facts.now) }
  const { issuing, incoming } = kept
  const { wanted, now } = facts
  if (wanted.root === issuing.root) return { issuing: wanted, retiring: kept.retiring }
  if (incoming?.authority.root !== wanted.root) return { ...kept, incoming: { authority: wanted, sinceMs: now } }
  if (!facts.isKnownEverywhere && now - incoming.sinceMs < facts.waitAtMostMs) return kept
  const retired = { root: issuing.root, untilMs: now + facts.leafLifetimeMs }
  return { issuing: wanted, retiring: [...kept.retiring.filter(({ root }) => root !== wanted.root), retired] }
}

/** PEM: every root that counts, in an order that does not flap. */
export function bundleOf({ issuing, incoming, retiring }: Trust): string {
  const roots = [issuing.root, ...(incoming === undefined ? [] : [incoming.authority.root])]
  return [...new Set([...roots, ...retiring.map(({ root }) => root)])].sort().join('')
}
