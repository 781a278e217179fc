import type { Canary } from '../api/index.ts'

/** Integers 0..100; canary and primary sum to 100. */
export interface Traffic {
  readonly primary: number
  readonly canary: number
  /** Percentage of the requests with a mirrored method that the canary gets a copy of; 0 = none. */
  readonly mirror: number
}

export interface TrafficObservation {
  /** Undefined while there is no route. */
  readonly traffic: Traffic | undefined
  /** True when every proxy concerned has the route as last written. */
  readonly programmed: boolean
  /** RFC 3339 time since which `programmed` holds. */
  readonly programmedAt?: string
  /** Why not, in a sentence (proxies that lag, configuration that was refused). */
  readonly message?: string
}

/** Moves traffic between the primary and the canary Service. One file per data plane implements it. */
export interface Router {
  /** From the local copies only: no request. */
  observe(canary: Canary): TrafficObservation
  /** Writes the route if it differs; a Conflict (somebody wrote meanwhile) is thrown as KubeError. */
  write(canary: Canary, traffic: Traffic): Promise<void>
}
