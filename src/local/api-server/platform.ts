import type { Clock, Logger } from '../../runtime/index.ts'
import type { Registry } from './kinds/registry.ts'
import type { ApiResource } from './kinds/resource.ts'
import type { LogSource } from './port.ts'
import type { Store } from './storage/store.ts'

/** What every endpoint works with. */
export interface Platform {
  readonly store: Store
  readonly registry: Registry
  readonly clock: Clock
  readonly log: Logger
  readonly logSource: LogSource | undefined
}

/** What a request is about. */
export interface Target {
  readonly resource: ApiResource
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string
}

export interface NamedTarget extends Target {
  readonly name: string
}
