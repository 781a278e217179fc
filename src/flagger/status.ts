import { type Canary, type CanaryRun, type CanaryStatus, describeChange } from '../api/index.ts'

/** Revisions that Sluice wrote; Flagger's own have no version in front. */
const OWN_REVISION = /^v\d+-/
const HISTORY_LENGTH = 5
/** Flagger's CRD has no place for these, and prunes what it has no place for. */
const PRIVATE = [
  'observedGeneration',
  'mirrorWeight',
  'version',
  'runName',
  'suspendedAt',
  'message',
  'history',
] as const

/** What the API server keeps of a status; a value that is gone is taken away. */
export function visibleStatus(status: CanaryStatus): Readonly<Record<string, unknown>> {
  const conditions = status.conditions?.map(({ observedGeneration: _, ...condition }) => ({
    lastUpdateTime: condition.lastTransitionTime,
    ...condition,
  }))
  const visible = Object.entries({ ...status, conditions }).filter(
    ([name]) => !PRIVATE.some((hidden) => hidden === name),
  )
  return Object.fromEntries(visible.map(([name, value]) => [name, value ?? null]))
}

/**
 * The whole status: what the API server has, and beside it what it has no place for, as it was written last or else as the
 * CanaryRuns tell. A status that Flagger wrote says nothing of Sluice's revisions: such a Canary begins anew, which
 * changes nothing where primary and workload agree.
 */
export function wholeStatus(
  { metadata, status = {} }: Canary,
  written: readonly CanaryStatus[],
  runs: readonly CanaryRun[],
): CanaryStatus | undefined {
  const known = written.findLast((each) => isSame(each, status))
  // Before the first revision is recorded, only what was written tells our status from Flagger's.
  if (known === undefined && !OWN_REVISION.test(status.lastAppliedSpec ?? ''))
    return status.phase === undefined ? undefined : keepConditions(status)
  const kept = known ?? recall(status, runs)
  const observedGeneration = kept.observedGeneration ?? metadata.generation
  return {
    ...status,
    ...Object.fromEntries(PRIVATE.flatMap((name) => (kept[name] === undefined ? [] : [[name, kept[name]]]))),
    ...(known === undefined ? {} : { conditions: known.conditions }),
    observedGeneration,
  }
}

const COMPARED = [
  'phase',
  'lastAppliedSpec',
  'lastPromotedSpec',
  'lastTransitionTime',
  'canaryWeight',
  'failedChecks',
  'iterations',
] as const

const isSame = (one: CanaryStatus, other: CanaryStatus): boolean =>
  COMPARED.every((name) => (one[name] ?? null) === (other[name] ?? null))

/** Stalled before it began, or Flagger's: only what people read is taken over. */
const keepConditions = ({ phase, conditions }: CanaryStatus): CanaryStatus | undefined =>
  phase === '' ? { phase, conditions } : undefined

const ACTIVE: readonly string[] = ['Waiting', 'Progressing', 'WaitingPromotion', 'Promoting', 'Finalising']

/** After a restart: the newest run of the revision, but for one whose beginning was never recorded. */
function recall({ lastAppliedSpec, phase = '' }: CanaryStatus, runs: readonly CanaryRun[]): CanaryStatus {
  const sorted = [...runs].sort((left, right) => numberOf(right) - numberOf(left))
  const mayBeFresh = ACTIVE.includes(phase)
  const run = sorted.find(
    ({ spec, status }) => spec.revision === lastAppliedSpec && (mayBeFresh || status !== undefined),
  )
  const ended = sorted.filter(({ status }) => status?.endedAt !== undefined)
  const history = ended.slice(0, HISTORY_LENGTH).map(renderLine)
  return {
    ...(run === undefined
      ? {}
      : {
          version: describeChange(run.spec.previousImages, run.spec),
          runName: run.metadata.name,
          message: run.status?.message,
        }),
    history,
  }
}

const numberOf = ({ metadata }: CanaryRun): number => Number(/-(\d+)$/.exec(metadata.name)?.[1] ?? 0)

const renderLine = ({ metadata, spec, status }: CanaryRun): string =>
  `${status?.endedAt} ${metadata.name} ${describeChange(spec.previousImages, spec)} ${status?.phase}: ${status?.message}`
