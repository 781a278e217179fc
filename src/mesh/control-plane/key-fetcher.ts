import { generateKeyPairSync } from 'node:crypto'
import { isRecord } from '../../base/index.ts'
import { type Clock, createWaker, type Logger, messageOf } from '../../runtime/index.ts'
import { type FetchedKeys, isKeySet, type KeySource } from '../istio/index.ts'
import type { KeptKeys } from './kept-keys.ts'

export type FetchText = (url: string, signal: AbortSignal) => Promise<string>

export interface KeyFetcherSettings {
  /** 20 min when absent. */
  readonly refreshMs?: number
  /** 10 s when absent. */
  readonly retryMs?: number
  readonly fetchText?: FetchText
}

export interface KeyFetcherOptions extends KeyFetcherSettings {
  /** What earlier lives fetched. */
  readonly kept: KeptKeys
  readonly clock: Clock
  readonly log: Logger
  /** There are other keys, or another reason why there are none. */
  readonly changed: () => void
}

/** Fetches the keys of token issuers, and fetches them again. */
export interface KeyFetcher {
  want(sources: readonly KeySource[]): void
  keysOf(source: string): FetchedKeys
  /** Resolves when those are known that an earlier life has kept. */
  readonly loaded: Promise<void>
  start(signal: AbortSignal): Promise<void>
}

interface Held {
  readonly keys: FetchedKeys
  readonly dueAtMs: number
}

/** Istio's, where a rule says nothing. */
const TIMEOUT_MS = 5_000
const LONGEST_WAIT_MS = 60_000
const openIdConfiguration = '/.well-known/openid-configuration'

export function createKeyFetcher(options: KeyFetcherOptions): KeyFetcher {
  const { clock, log, kept, fetchText = fetchLimited, refreshMs = 20 * 60_000, retryMs = 10_000 } = options
  const held = new Map<string, Held>()
  const nobodysKeys = makeNobodysKeys()
  let wanted: ReadonlyMap<string, number> = new Map()
  const waker = createWaker(clock)
  const loaded = Promise.withResolvers<void>()

  const fetched = async (source: string, signal: AbortSignal): Promise<FetchedKeys> => {
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(wanted.get(source) ?? TIMEOUT_MS)])
      return { jwks: await fetchKeys(source, (url) => fetchText(url, limited)) }
    } catch (error) {
      // What was fetched once still counts; without it no token is right.
      const known = held.get(source)?.keys.jwks ?? nobodysKeys
      const effect = known === nobodysKeys ? 'every token is refused' : 'those that were fetched before still count'
      return { jwks: known, problem: `the keys at ${source} cannot be fetched (${messageOf(error)}): ${effect}` }
    }
  }
  const refresh = async (source: string, signal: AbortSignal): Promise<void> => {
    const before = held.get(source)?.keys
    const keys = await fetched(source, signal)
    if (signal.aborted || !wanted.has(source)) return
    held.set(source, { keys, dueAtMs: clock.now() + (keys.problem === undefined ? refreshMs : retryMs) })
    if (before?.jwks === keys.jwks && before.problem === keys.problem) return
    if (keys.problem === undefined) log.info({ source }, 'keys of a token issuer were fetched')
    else log.warn({ source, error: keys.problem }, 'keys of a token issuer were not fetched')
    options.changed()
  }
  const dueAtMs = (source: string): number => held.get(source)?.dueAtMs ?? 0
  const tasks = createTasks(waker.wake)
  const idle = (): readonly string[] => [...wanted.keys()].filter((source) => !tasks.has(source))

  return {
    want(sources) {
      wanted = longestTimeouts(sources)
      for (const source of held.keys()) if (!wanted.has(source)) held.delete(source)
      if ([...wanted.keys()].some((source) => dueAtMs(source) <= clock.now())) waker.wake()
    },
    keysOf: (source) =>
      held.get(source)?.keys ?? { jwks: nobodysKeys, problem: `the keys at ${source} are being fetched` },
    loaded: loaded.promise,
    async start(signal) {
      for (const [source, jwks] of await kept.load()) held.set(source, { keys: { jwks }, dueAtMs: 0 })
      loaded.resolve()
      while (!signal.aborted) {
        waker.heed()
        const due = idle().filter((source) => dueAtMs(source) <= clock.now())
        for (const source of due) tasks.begin(source, refresh(source, signal))
        await kept.save(
          [...held]
            .map(([source, { keys }]) => [source, keys.jwks] as const)
            .filter(([, jwks]) => jwks !== nobodysKeys),
        )
        const waitMs = Math.min(LONGEST_WAIT_MS, ...idle().map((source) => dueAtMs(source) - clock.now()))
        await waker.sleep(Math.max(1, waitMs), signal)
      }
      await tasks.settled()
    },
  }
}

/** What is under way, by name: what takes long holds up nothing else. */
function createTasks(ended: () => void) {
  const underWay = new Map<string, Promise<void>>()
  return {
    has: (name: string): boolean => underWay.has(name),
    begin(name: string, task: Promise<void>): void {
      const over = () => {
        underWay.delete(name)
        ended()
      }
      underWay.set(name, task.finally(over))
    },
    settled: (): Promise<unknown> => Promise.all(underWay.values()),
  }
}

async function fetchKeys(source: string, fetchText: (url: string) => Promise<string>): Promise<string> {
  const url = source.endsWith(openIdConfiguration) ? keysUrl(await fetchText(source)) : source
  const text = await fetchText(url)
  if (!isKeySet(text)) throw new Error('the answer is no JSON Web Key Set with an RSA, EC or OKP key')
  return text
}

/** Several rules may name one source: it is asked once. */
const longestTimeouts = (sources: readonly KeySource[]): ReadonlyMap<string, number> =>
  new Map(
    [...Map.groupBy(sources, ({ address }) => address)].map(([address, group]) => [
      address,
      Math.max(...group.map(({ timeoutMs = TIMEOUT_MS }) => timeoutMs)),
    ]),
  )

/** A public key whose private half nobody has. */
function makeNobodysKeys(): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] })
}

function keysUrl(configuration: string): string {
  const parsed: unknown = JSON.parse(configuration)
  if (isRecord(parsed) && typeof parsed.jwks_uri === 'string') return parsed.jwks_uri
  throw new Error('the OpenID configuration names no jwks_uri')
}

const LONGEST_ANSWER = 1024 * 1024

async function fetchLimited(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal })
  if (!response.ok) throw new Error(`it answers ${response.status}`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > LONGEST_ANSWER) throw new Error(`it answers more than ${LONGEST_ANSWER} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
