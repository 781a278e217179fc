import { type Lease, leaseKind } from '../api/index.ts'

export interface LeaseTimings {
  /** How long others leave a silent holder its lease. */
  readonly leaseDurationMs: number
  /** How long a holder that cannot renew goes on; less than leaseDurationMs, or two could lead. */
  readonly renewDeadlineMs: number
  readonly retryPeriodMs: number
}

/** Kubernetes' own timings. */
export const defaultTimings: LeaseTimings = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 }

/** What a candidate saw last, and when by its own monotonic clock: the clocks of other machines prove nothing. */
export interface LeaseSighting {
  readonly record: string
  readonly seenAt: number
}

export interface LeaseQuestion {
  readonly identity: string
  readonly leaseDurationMs: number
  readonly sighting: LeaseSighting | undefined
  readonly monotonic: number
}

/** A sighting of the lease as it is now; the old one stays while the record has not moved. */
export function sightLease(lease: Lease, former: LeaseSighting | undefined, monotonic: number): LeaseSighting {
  const { holderIdentity, renewTime, leaseTransitions } = lease.spec ?? {}
  const record = JSON.stringify([holderIdentity, renewTime, leaseTransitions])
  return former?.record === record ? former : { record, seenAt: monotonic }
}

/** Whether the candidate may write itself into the lease: its own, a free one, or one that was silent for its length. */
export function mayTake(lease: Lease, question: LeaseQuestion): boolean {
  const holder = lease.spec?.holderIdentity ?? ''
  if (holder === '' || holder === question.identity) return true
  const promised = (lease.spec?.leaseDurationSeconds ?? 0) * 1_000
  const seenAt = question.sighting?.seenAt ?? question.monotonic
  return question.monotonic - seenAt >= Math.max(promised, question.leaseDurationMs)
}

export interface LeaseClaim {
  readonly namespace: string
  readonly name: string
  readonly identity: string
  readonly leaseDurationMs: number
  /** Wall clock: for people to read. */
  readonly now: number
}

export function newLease(claim: LeaseClaim): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: leaseKind.kind,
    metadata: { namespace: claim.namespace, name: claim.name },
    spec: heldSpec(claim, 0, microTime(claim.now)),
  }
}

/** The lease with us as its holder; acquireTime and transitions move only when the holder changes. */
export function claimLease(lease: Lease, claim: LeaseClaim): Lease {
  const { holderIdentity, acquireTime, leaseTransitions = 0 } = lease.spec ?? {}
  const isRenewal = holderIdentity === claim.identity
  const since = isRenewal && acquireTime !== undefined ? acquireTime : microTime(claim.now)
  return { ...lease, spec: heldSpec(claim, isRenewal ? leaseTransitions : leaseTransitions + 1, since) }
}

/** The lease without a holder, as client-go leaves it: a second long, so that nobody waits for it. */
export function releaseLease(lease: Lease, now: number): Lease {
  const time = microTime(now)
  const { leaseTransitions = 0 } = lease.spec ?? {}
  return {
    ...lease,
    spec: { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: time, renewTime: time, leaseTransitions },
  }
}

const heldSpec = (claim: LeaseClaim, leaseTransitions: number, acquireTime: string) => ({
  holderIdentity: claim.identity,
  leaseDurationSeconds: Math.ceil(claim.leaseDurationMs / 1_000),
  acquireTime,
  renewTime: microTime(claim.now),
  leaseTransitions,
})

/** Kubernetes' MicroTime has exactly six decimals. */
const microTime = (now: number): string => new Date(now).toISOString().replace('Z', '000Z')
