import { type Clock, type Logger, runTogether } from '../../runtime/index.ts'
import { type ClusterObjects, keySourcesOf } from '../istio/index.ts'
import { rootNamespace } from '../model/index.ts'
import { type Credentials, createCredentials } from './credentials.ts'
import { createKeptKeys, type KeptKeysOptions } from './kept-keys.ts'
import { createKeyFetcher, type KeyFetcherSettings } from './key-fetcher.ts'
import type { Watches } from './watches.ts'

export interface SourcesOptions {
  readonly client: KeptKeysOptions['client']
  /** Where fetched keys are kept, beside the authority; Istio's root namespace when absent. */
  readonly authorityNamespace?: string | undefined
  readonly watches: Watches
  readonly keys?: KeyFetcherSettings
  /** How often Secrets of gateways are read; 5 s when absent. */
  readonly credentialPollMs?: number
  readonly clock: Clock
  readonly log: Logger
  /** What is not watched has changed. */
  readonly changed: () => void
}

/** Everything that configuration is made of: what is watched, and what the watched objects name. */
export interface Sources {
  /** Keys are fetched for what asks for them now. */
  objects(): ClusterObjects
  readonly credentials: Credentials
  /** Resolves when everything that was known before this start is known again. */
  readonly synced: Promise<unknown>
  start(signal: AbortSignal): Promise<void>
}

export function createSources(options: SourcesOptions): Sources {
  const { watches } = options
  const keys = createKeyFetcher({
    ...options,
    ...options.keys,
    kept: createKeptKeys({ ...options, namespace: options.authorityNamespace ?? rootNamespace }),
  })
  const credentials = createCredentials({ ...options, pollMs: options.credentialPollMs ?? 5_000 })
  return {
    credentials,
    synced: Promise.all([watches.synced, keys.loaded]),
    objects() {
      const objects = watches.objects()
      keys.want(keySourcesOf(objects.requestAuthentications))
      return { ...objects, keysOf: keys.keysOf, credentialOf: credentials.find }
    },
    start: (signal) => runTogether(signal, [...watches.starts, keys.start, credentials.start]),
  }
}
