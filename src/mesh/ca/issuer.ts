import { type Clock, createWaker, type Logger, messageOf } from '../../runtime/index.ts'
import type { Authority, Leaf } from './authority.ts'
import { renewAtMs } from './rotation.ts'

export interface IssuerOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
  readonly leafLifetimeMs: number
  /** Called after leaves were issued, with how many. */
  readonly issued: (count: number) => void
  /** Called when they could not be. */
  readonly failed: () => void
}

/** Keeps a fresh leaf for every identity that is wanted. An identity is a SPIFFE URI. */
export interface Issuer {
  /** Issues from this authority from now on, and replaces what others have issued. */
  use(authority: Authority): void
  want(identities: Iterable<string>): void
  /** Undefined until it is issued. */
  leafOf(identity: string): Leaf | undefined
  /** When the first leaf expires. */
  firstExpiryMs(): number | undefined
  start(signal: AbortSignal): Promise<void>
}

interface Held {
  readonly leaf: Leaf
  readonly by: Authority
  readonly renewAtMs: number
}

const RETRY_MS = 5_000
const LONGEST_WAIT_MS = 60_000

export function createIssuer({ clock, log, random, leafLifetimeMs, issued, failed }: IssuerOptions): Issuer {
  const held = new Map<string, Held>()
  let wanted: ReadonlySet<string> = new Set()
  let authority: Authority | undefined
  const waker = createWaker(clock)

  const dueAtMs = (identity: string): number => {
    const known = held.get(identity)
    return known === undefined || known.by !== authority ? 0 : known.renewAtMs
  }

  const issueDue = async (by: Authority, signal: AbortSignal): Promise<void> => {
    const due = [...wanted].filter((identity) => dueAtMs(identity) <= clock.now())
    if (due.length === 0) return
    if (by.notAfterMs <= clock.now()) throw new Error('the authority has expired; put a new one in its place')
    for (const identity of due) {
      if (signal.aborted || by !== authority) break
      const names = [{ type: 'url' as const, value: identity }]
      const leaf = await by.issue({ names, now: clock.now(), lifetimeMs: leafLifetimeMs })
      held.set(identity, { leaf, by, renewAtMs: renewAtMs(leaf, random()) })
    }
    log.info({ count: due.length }, 'certificates were issued')
    issued(due.length)
  }

  const untilNextMs = (): number => {
    const next = Math.min(...[...wanted].map(dueAtMs))
    return Math.max(1, Math.min(LONGEST_WAIT_MS, next - clock.now()))
  }

  return {
    use(next) {
      if (next === authority) return
      authority = next
      waker.wake()
    },
    want(identities) {
      wanted = new Set(identities)
      for (const identity of held.keys()) if (!wanted.has(identity)) held.delete(identity)
      if ([...wanted].some((identity) => !held.has(identity))) waker.wake()
    },
    leafOf: (identity) => held.get(identity)?.leaf,
    firstExpiryMs() {
      const ends = [...held.values()].map(({ leaf }) => leaf.notAfterMs)
      return ends.length === 0 ? undefined : ends.reduce((first, end) => Math.min(first, end))
    },
    async start(signal) {
      while (!signal.aborted) {
        waker.heed()
        let waitMs = LONGEST_WAIT_MS
        try {
          if (authority !== undefined) {
            await issueDue(authority, signal)
            waitMs = untilNextMs()
          }
        } catch (error) {
          log.error({ error: messageOf(error) }, 'certificates could not be issued; the old ones stay')
          failed()
          waitMs = RETRY_MS
        }
        await waker.sleep(waitMs, signal)
      }
    },
  }
}
