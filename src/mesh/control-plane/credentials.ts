import { secretKind } from '../../api/index.ts'
import { canonicalJson, failure, type Result } from '../../base/index.ts'
import { type KubeClient, KubeError } from '../../kube/index.ts'
import { type Clock, createWaker, type Logger, messageOf } from '../../runtime/index.ts'
import { type Credential, type EnvoyResource, renderCredential } from '../envoy/index.ts'
import type { FoundCredential } from '../istio/index.ts'
import type { CredentialUse } from '../model/index.ts'
import { type ReadCredential, readAuthority, readCertificate } from './credential-files.ts'

export interface CredentialsOptions {
  readonly client: Pick<KubeClient, 'get'>
  readonly clock: Clock
  readonly log: Logger
  /** How often the Secrets are read. */
  readonly pollMs: number
  /** There are other credentials, or another reason why there are none. */
  readonly changed: () => void
}

/**
 * The Secrets that proxies need, read by name alone: to list them, or to watch them, would need the right to see all of
 * a namespace's.
 */
export interface Credentials {
  want(uses: readonly CredentialUse[]): void
  find(use: CredentialUse): FoundCredential
  /** Not asked for yet. */
  isPending(use: CredentialUse): boolean
  /** Those that can be used. */
  secretsOf(uses: readonly CredentialUse[]): readonly EnvoyResource[]
  /** Resolves once everything that is wanted now was asked for, or soon after; true when anything had to be. */
  settled(signal: AbortSignal): Promise<boolean>
  start(signal: AbortSignal): Promise<void>
}

interface Held {
  readonly credential?: Credential
  readonly resource?: EnvoyResource
  readonly problem?: string
}

const LONGEST_WAIT_MS = 60_000
const SETTLE_MS = 20
/** A restart must not take from gateways what they serve with; a Secret that hangs must not hold up the mesh. */
const PATIENCE_MS = 5_000

export function createCredentials(options: CredentialsOptions): Credentials {
  const { clock, log, pollMs } = options
  const held = new Map<string, Held>()
  let wanted = new Map<string, CredentialUse>()
  const waker = createWaker(clock)

  const refresh = async (key: string, use: CredentialUse, signal: AbortSignal): Promise<void> => {
    const before = held.get(key)
    const after = take(use, await read(options, use), before)
    if (signal.aborted || !wanted.has(key)) return
    held.set(key, after)
    if (before?.resource === after.resource && before?.problem === after.problem) return
    const fields = { secret: `${use.namespace}/${use.name}`, holds: use.holds }
    if (after.problem === undefined) log.info(fields, 'a credential was read')
    else log.warn({ ...fields, error: after.problem }, 'a credential cannot be used')
    options.changed()
  }

  return {
    want(uses) {
      wanted = new Map(uses.map((use) => [keyOf(use), use]))
      for (const key of held.keys()) if (!wanted.has(key)) held.delete(key)
      if ([...wanted.keys()].some((key) => !held.has(key))) waker.wake()
    },
    find(use) {
      const { resource, problem } = held.get(keyOf(use)) ?? {}
      return { isUsable: resource !== undefined, ...(problem === undefined ? {} : { problem }) }
    },
    isPending: (use) => !held.has(keyOf(use)),
    secretsOf: (uses) => uses.flatMap((use) => held.get(keyOf(use))?.resource ?? []),
    async settled(signal) {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
      while (!limited.aborted && [...wanted.keys()].some((key) => !held.has(key))) await clock.sleep(SETTLE_MS, limited)
      return wanted.size > 0
    },
    async start(signal) {
      while (!signal.aborted) {
        waker.heed()
        await Promise.all([...wanted].map(([key, use]) => refresh(key, use, signal)))
        const waitMs = wanted.size === 0 ? LONGEST_WAIT_MS : pollMs
        await waker.sleep(waitMs, signal)
      }
    },
  }
}

const keyOf = ({ namespace, name, holds }: CredentialUse): string => `${namespace}/${name}/${holds}`

type ReadResult = Result<ReadCredential> & { readonly isPassing?: boolean }

/** What was read once is used until there is something better. */
function take({ name }: CredentialUse, read: ReadResult, before: Held | undefined): Held {
  if (!read.ok) {
    const { resource, credential } = before ?? {}
    if (resource === undefined || credential === undefined) return { problem: read.error }
    // An API server that is away for a moment is no news.
    if (read.isPassing === true) return before ?? {}
    return { resource, credential, problem: `${read.error}; what was read before is still used` }
  }
  const { credential, problem } = read.value
  const isSame = before?.credential !== undefined && canonicalJson(before.credential) === canonicalJson(credential)
  const resource = isSame && before?.resource !== undefined ? before.resource : renderCredential(name, credential)
  return { credential, resource, ...(problem === undefined ? {} : { problem }) }
}

async function read({ client, clock }: CredentialsOptions, use: CredentialUse): Promise<ReadResult> {
  const { namespace, name, holds } = use
  const get = (wantedName: string) => client.get(secretKind, { namespace, name: wantedName })
  const place = `Secret ${namespace}/${name}`
  try {
    if (holds === 'authority') return readAuthority(await get(`${name}-cacert`), await get(name), place)
    const secret = await get(name)
    return secret === undefined ? failure(`there is no ${place}`) : readCertificate(secret, clock.now())
  } catch (error) {
    if (error instanceof KubeError && error.reason === 'Forbidden') {
      const next = `name the namespace ${namespace} in mesh.readSecretsIn of the chart`
      return failure(`${place} may not be read: ${next}`)
    }
    return { ...failure(`${place} cannot be read: ${messageOf(error)}`), isPassing: true }
  }
}
