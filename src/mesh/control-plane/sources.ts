import type { KubeClient } from '../../kube/index.ts'
import { type Clock, type Logger, runTogether } from '../../runtime/index.ts'
import { type ClusterObjects, keySourcesOf } from '../istio/index.ts'
import { type Credentials, createCredentials } from './credentials.ts'
import { createKeyFetcher, type KeyFetcherSettings } from './key-fetcher.ts'
import type { Watches } from './watches.ts'

export interface SourcesOptions {
  readonly client: Pick<KubeClient, 'get'>
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
  start(signal: AbortSignal): Promise<void>
}

export function createSources(options: SourcesOptions): Sources {
  const { watches } = options
  const keys = createKeyFetcher({ ...options, ...options.keys })
  const credentials = createCredentials({ ...options, pollMs: options.credentialPollMs ?? 5_000 })
  return {
    credentials,
    objects() {
      const objects = watches.objects()
      keys.want(keySourcesOf(objects.requestAuthentications))
      return { ...objects, keysOf: keys.keysOf, credentialOf: credentials.find }
    },
    start: (signal) => runTogether(signal, [...watches.starts, keys.start, credentials.start]),
  }
}
