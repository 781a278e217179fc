import type { Canary } from '../api/index.ts'

/** Integers 0..100; canary and primary sum to 100. */
export interface Traffic {
  readonly primary: number
  readonly canary: number
  /** Percentage of the requests with a mirrored method that the canary gets a copy of; 0 = none. */
  readonly mirror: number
  /** The shares hold for requests that meet `analysis.match`; all others go to the primary. */
  readonly matching?: true
  /** Revision whose users stay with it, by their cookie; absent where nobody is kept. */
  readonly session?: string
}

export interface TrafficObservation {
  /** Undefined while there is no route, or while it is none of ours. */
  readonly traffic: Traffic | undefined
  /** `held` leads to the Services of the release, `released` to the apex Service alone; `none` where there is no route. */
  readonly hold: 'none' | 'held' | 'released'
  /** True when everything else of the route is as the Canary wants it too. */
  readonly current: boolean
  /** True when every proxy concerned has the route as last written. */
  readonly programmed: boolean
  /** RFC 3339 time since which `programmed` holds, where the data plane tells it by a clock of ours. */
  readonly programmedAt?: string
  /** Why not, in a sentence (proxies that lag, configuration that was refused). */
  readonly message?: string
  /** Time alone makes it programmed: look again then. */
  readonly lookAgainInMs?: number
  /** What `write` was told of the last decision; absent where nobody told. */
  readonly decidedAt?: string
  /** An object of the route belongs to somebody else and is not written. */
  readonly foreign?: string
}

/** Moves traffic between the primary and the canary Service. One file per data plane implements it. */
export interface Router {
  /** From the local copies only: no request. */
  observe(canary: Canary): TrafficObservation
  /**
   * Writes the route if it differs; a Conflict (somebody wrote meanwhile) is thrown as KubeError. `decidedAt` names the
   * records that the decision was made on and is kept with the route.
   */
  write(canary: Canary, traffic: Traffic, decidedAt?: string): Promise<void>
  /** Leads everything to the apex Service; what the Service alone would not publish outlives the Canary. */
  release(canary: Canary): Promise<void>
  /** What was made for the Canary, and was not released to outlive it, is collected with it. */
  handOver(canary: Canary): Promise<void>
}
