import type { Canary, MetricMemory, MetricVerdict, WebhookType } from '../api/index.ts'
import type { Cause } from './reasons.ts'

/** Everything one pass knows of the world, gathered once. */
export interface Observation {
  /** Milliseconds since 1970. */
  readonly now: number
  readonly canary: Canary
  /** The workload the user writes: it runs the new version. */
  readonly target: WorkloadFacts | undefined
  readonly primary: WorkloadFacts | undefined
  readonly services: ServiceFacts
  readonly route: RouteFacts
  /** CanaryRuns of this Canary. */
  readonly runs: readonly RunFacts[]
  /** Undefined where the Canary names none. */
  readonly autoscaler?: AutoscalerFacts | undefined
  /** Copies of ConfigMaps and Secrets are left that the primary does not read any more. */
  readonly hasSurplusCopies?: boolean
  /** Why Sluice must not touch this Canary's objects, found while gathering. */
  readonly refusal?: Cause | undefined
  /** Who else is released in the namespace; absent where nobody has to wait for anybody. */
  readonly group?: GroupFacts | undefined
  readonly answers: Answers
  /** Every pod of the new version crashes again and again. */
  readonly crash?: { readonly message: string } | undefined
  /** The guard suspects the new version since `since`; run it was seen in. */
  readonly alarm?: { readonly run: string; readonly since: number } | undefined
  /** Set while the Canary is being deleted and waits for Sluice. */
  readonly deletion?: DeletionFacts | undefined
}

export interface GroupFacts {
  /** Most releases in progress at a time; absent where any number may be. */
  readonly limit?: number | undefined
  /** The other Canaries of the namespace. */
  readonly others: readonly Neighbour[]
}

/** How another Canary stands, as far as one that may have to wait for it must know. */
export interface Neighbour {
  readonly name: string
  /** Undefined where it cannot be depended on: it is of Flagger. */
  readonly dependsOn: readonly string[] | undefined
  /** `queued` has only its turn to wait for; `held` waits for something else before it begins. */
  readonly standing: 'initializing' | 'queued' | 'held' | 'running' | 'promoted' | 'unpromoted' | 'failed' | 'leaving'
  /** Since when it waits; its place in the queue. */
  readonly waitingSince?: number | undefined
}

export interface WorkloadFacts {
  /** Hash of the pod template, or of where a Service leads; for the primary, of what it was copied from. */
  readonly revision: string
  /** Of its pods; of a Service, where it leads. */
  readonly images: readonly string[]
  /** Wanted pods; 0 where they are foreign. */
  readonly replicas: number
  readonly readyReplicas: number
  /** Every wanted pod runs this template and is available, none of an older one is left. */
  readonly isReady: boolean
  /** It was made for this Canary, but not by Sluice, and does not say what it was copied from. */
  readonly isUnmarked?: true
  /** They are somebody else's to start and to stop: those that a Service leads to. */
  readonly hasForeignPods?: true
  /** The workload itself gave up, in its own words. */
  readonly failure?: { readonly message: string; readonly at: number } | undefined
}

export interface AutoscalerFacts {
  /** Fewest pods of the workload while a release is on. */
  readonly minReplicas: number
  readonly isPrimaryAsWanted: boolean
  /** Undefined for a kind that needs no pause: it leaves a workload without pods alone. */
  readonly isPaused: boolean | undefined
}

export interface ServiceFacts {
  /** The Services of primary and canary are as wanted. */
  readonly areBackendsReady: boolean
  /** The apex Service selects the primary. */
  readonly isApexReady: boolean
}

/** Shares of the requests in percent; canary and primary sum to 100. */
export interface Traffic {
  readonly primary: number
  readonly canary: number
  readonly mirror: number
  /** The shares hold for requests that meet `analysis.match`; all others go to the primary. */
  readonly matching?: true
  /** Revision whose users stay with it, by their cookie; absent where nobody is kept. */
  readonly session?: string
}

export interface RouteFacts {
  readonly traffic: Traffic | undefined
  /** The route's other fields are as wanted. */
  readonly isCurrent: boolean
  readonly isProgrammed: boolean
  readonly programmedAt?: number | undefined
  readonly message?: string | undefined
}

export interface RunFacts {
  readonly name: string
  readonly revision: string
  /** Its start was never recorded: the pass that made it was interrupted. */
  readonly isFresh: boolean
  /** When its promotion was over; absent where it was not promoted. */
  readonly promotedAt?: number | undefined
}

/**
 * Pods of the workload that nobody told to go, as they are now. A status says what its controller counted last, of
 * whatever generation it says it is: right after a workload was scaled down and up again, pods that are leaving.
 */
export interface LivingPods {
  readonly all: number
  readonly ready: number
}

export interface DeletionFacts {
  readonly isNamespaceGoing: boolean
  /** `held` selects the primary or goes with the Canary; `none` is absent or somebody else's. */
  readonly apex: 'none' | 'held' | 'released'
  /** Undefined where they are foreign. */
  readonly pods: LivingPods | undefined
  /** The Service of the workload's own pods has a ready endpoint. */
  readonly areEndpointsReady: boolean
  /** The apex Service has a ready endpoint, and none of the primary. */
  readonly areEndpointsMoved: boolean
  /** `held` leads to Services that go with the Canary; `none` is absent or somebody else's. */
  readonly route: 'none' | 'held' | 'released'
  /** Alerts that its runs owe are on their way: their record goes with the Canary. */
  readonly isAlertDue?: boolean
}

export interface HookAnswer {
  readonly name: string
  readonly ok: boolean
  readonly message: string
  /** Its refusal alerts nobody. */
  readonly isMuted?: boolean
}

/** A verdict with what the next check of its metric must know: both are recorded, or neither. */
export interface CheckedMetric extends MetricVerdict {
  readonly memory?: MetricMemory | undefined
}

export type QuestionKind = 'check' | 'alarm' | 'gate' | 'rollback'

/** What analysis and webhooks said to the questions that were due. */
export interface Answers {
  readonly check?: { readonly verdicts: readonly CheckedMetric[]; readonly hooks: readonly HookAnswer[] } | undefined
  /** What was measured between two checks: only failure may come of it. */
  readonly alarm?: { readonly verdicts: readonly CheckedMetric[] } | undefined
  /** Webhooks of type `rollback`: one that agrees ends the run. */
  readonly rollback?: { readonly hooks: readonly HookAnswer[] } | undefined
  /** What was asked and not answered yet. */
  readonly pending?: readonly QuestionKind[] | undefined
  readonly gate?: { readonly type: WebhookType; readonly hooks: readonly HookAnswer[] } | undefined
}
