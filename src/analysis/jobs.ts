/** A Job as a check wants it; two of one name are the same Job. */
export interface WantedJob {
  readonly namespace: string
  readonly name: string
  /** Which run and metric it serves: when one is begun, the finished ones of the same are taken away. */
  readonly of: { readonly run: string; readonly metric: string }
  /** CanaryRun that it goes with; none outside of a release. */
  readonly owner?: { readonly name: string; readonly uid: string } | undefined
  /** JobSpec (batch/v1). */
  readonly spec: Readonly<Record<string, unknown>>
  readonly timeoutMs: number
}

export type JobState =
  | { readonly kind: 'running' }
  /** `output` is the termination message of its pod, of at most 4096 bytes. */
  | { readonly kind: 'succeeded'; readonly output: string }
  | { readonly kind: 'failed'; readonly exitCode?: number | undefined; readonly output: string }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'refused'; readonly message: string }

/** How the Jobs of templates are run; who knows the cluster implements it. */
export interface JobRunner {
  /** Begins the Job unless it is there, and says how it stands. It may throw, and may be asked again. */
  run(job: WantedJob): Promise<JobState>
}
