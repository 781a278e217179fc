import { leaseKind } from '../api/index.ts'
import { type Clock, type Logger, messageOf } from '../runtime/index.ts'
import type { Random } from './backoff.ts'
import {
  claimLease,
  defaultTimings,
  type LeaseSighting,
  type LeaseTimings,
  mayTake,
  newLease,
  releaseLease,
  sightLease,
} from './lease.ts'
import { type KubeClient, KubeError } from './port.ts'

export interface ElectionOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>
  readonly namespace: string
  /** Name of the Lease. */
  readonly name: string
  /** Unique per process, such as the pod's name. */
  readonly identity: string
  readonly clock: Clock
  readonly log: Logger
  readonly random?: Random
  readonly timings?: LeaseTimings
  /** What only the leader does. Its signal fires at the stop and when the lease is lost. */
  readonly lead: (signal: AbortSignal) => Promise<void>
}

/** `lost`: another may lead by now, so the process should end. `done`: `lead` ended by itself. */
export type ElectionOutcome = 'stopped' | 'lost' | 'done'

/**
 * Waits until it holds the Lease, runs `lead` and renews until that has ended; then gives the Lease back.
 * The lease is renewed while `lead` drains after a stop, so nobody begins before the old leader's last write.
 */
export async function runLeaderElection(options: ElectionOptions, signal: AbortSignal): Promise<ElectionOutcome> {
  const candidate = createCandidate(options)
  const acquiredAt = await candidate.acquire(signal)
  if (acquiredAt === undefined) return 'stopped'
  options.log.info({ lease: `${options.namespace}/${options.name}`, identity: options.identity }, 'leading')

  const lost = new AbortController()
  const ended = new AbortController()
  const leading = options.lead(AbortSignal.any([signal, lost.signal])).finally(() => ended.abort())
  // The rejection is thrown from the last line; until then it has an owner here.
  leading.catch(() => undefined)
  if (await candidate.renewUntil(ended.signal, acquiredAt)) {
    await candidate.release()
    await leading
    return signal.aborted ? 'stopped' : 'done'
  }
  options.log.error({ lease: `${options.namespace}/${options.name}` }, 'the lease is lost')
  lost.abort()
  await leading
  return 'lost'
}

interface Candidate {
  /** The monotonic time the lease counts from; undefined when stopped before. */
  acquire(signal: AbortSignal): Promise<number | undefined>
  /** True when the signal fired in time, false when the lease is lost. */
  renewUntil(ended: AbortSignal, acquiredAt: number): Promise<boolean>
  release(): Promise<void>
}

function createCandidate(options: ElectionOptions): Candidate {
  const { clock, log, random = Math.random, timings = defaultTimings } = options
  const tryOnce = createAttempt(options, timings)

  const tryQuietly = async (): Promise<boolean> => {
    try {
      return await tryOnce()
    } catch (error) {
      const isRace = error instanceof KubeError && error.code === 409
      if (!isRace) log.warn({ error: messageOf(error) }, 'the lease cannot be reached')
      return false
    }
  }

  return {
    async acquire(signal) {
      while (!signal.aborted) {
        const sentAt = clock.monotonic()
        if (await tryQuietly()) return sentAt
        await clock.sleep(timings.retryPeriodMs * (1 + 0.2 * random()), signal)
      }
      return undefined
    },
    async renewUntil(ended, acquiredAt) {
      // Counted from before the request was sent: others count from when they saw its effect, which is later.
      let renewedAt = acquiredAt
      const renew = async (): Promise<void> => {
        const sentAt = clock.monotonic()
        if (await tryQuietly()) renewedAt = Math.max(renewedAt, sentAt)
      }
      while (!ended.aborted) {
        await clock.sleep(timings.retryPeriodMs, ended)
        if (ended.aborted) break
        const left = renewedAt + timings.renewDeadlineMs - clock.monotonic()
        // Where one hangs, another may come through over another connection; one that is only slow counts all the same.
        if (left > 0) await within(clock, Math.min(left, timings.renewDeadlineMs / 4), renew(), ended)
        if (clock.monotonic() - renewedAt >= timings.renewDeadlineMs) return ended.aborted
      }
      return true
    },
    async release() {
      try {
        await releaseIfOurs(options)
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'the lease could not be given back; it runs out by itself')
      }
    },
  }
}

/** One look at the lease and, if it may be taken, one write; true when it is ours. */
function createAttempt(options: ElectionOptions, timings: LeaseTimings): () => Promise<boolean> {
  const { client, clock, namespace, name, identity } = options
  const { leaseDurationMs } = timings
  let sighting: LeaseSighting | undefined
  return async () => {
    const lease = await client.get(leaseKind, { namespace, name })
    const claim = { namespace, name, identity, leaseDurationMs, now: clock.now() }
    if (lease === undefined) {
      await client.create(leaseKind, newLease(claim))
      return true
    }
    const monotonic = clock.monotonic()
    sighting = sightLease(lease, sighting, monotonic)
    if (!mayTake(lease, { identity, leaseDurationMs, sighting, monotonic })) return false
    // Carries the version that was read: of two takers one gets a Conflict.
    await client.replace(leaseKind, claimLease(lease, claim))
    return true
  }
}

async function releaseIfOurs({ client, clock, namespace, name, identity }: ElectionOptions): Promise<void> {
  const lease = await client.get(leaseKind, { namespace, name })
  if (lease?.spec?.holderIdentity !== identity) return
  await client.replace(leaseKind, releaseLease(lease, clock.now()))
}

/** Waits for the attempt, but no longer than so: a hung request must not outlive the deadline. */
async function within(clock: Clock, milliseconds: number, attempt: Promise<void>, ended: AbortSignal): Promise<void> {
  const answered = new AbortController()
  await Promise.race([attempt, clock.sleep(milliseconds, AbortSignal.any([answered.signal, ended]))])
  answered.abort()
}
