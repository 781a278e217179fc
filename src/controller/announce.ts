import { type Canary, type CanaryRun, canaryRunKind, describeChange, type OwedNotice } from '../api/index.ts'
import type { Note, ReleaseState } from '../canary/index.ts'
import type { EventNote, EventRecorder, KubeClient } from '../kube/index.ts'
import type { Notice } from '../notify/index.ts'
import type { EventHooks } from './event-hooks.ts'
import type { LocalCopies } from './local-copies.ts'
import { runsOf } from './observe.ts'
import type { Outbox } from './outbox.ts'
import { alertsFor } from './owed-notices.ts'

export interface AnnounceOptions {
  readonly client: KubeClient
  readonly copies: LocalCopies
  readonly events: EventRecorder
  readonly eventHooks: EventHooks
  readonly outbox: Outbox
}

export interface Announcement {
  readonly canary: Canary
  readonly state: ReleaseState
  readonly notes: readonly Note[]
  /** What is to be delivered: of this pass, and of earlier ones by the record. */
  readonly notices: readonly OwedNotice[]
  readonly now: number
}

/**
 * Tells of what was decided and recorded: events for all of it, notices for what people want to know at once. The events
 * come last, so that whoever finds one knows that the others were told. False where one could not be written.
 */
export async function announce(options: AnnounceOptions, announcement: Announcement): Promise<boolean> {
  const { canary, state, notes, notices, now } = announcement
  options.eventHooks.tell(canary, state, notes, now)
  for (const owed of notices) deliver(options, canary, state, owed)
  await tellOfFormerRuns(options, canary, state)
  const written = await Promise.all(notes.map((note) => options.events.record(canary, eventOf(note))))
  return written.every((isWritten) => isWritten)
}

export const eventOf = ({ severity, reason, message }: Note): EventNote => ({
  type: severity === 'info' ? 'Normal' : 'Warning',
  reason,
  message,
})

export function deliver(
  { outbox }: Pick<AnnounceOptions, 'outbox'>,
  canary: Canary,
  state: ReleaseState,
  owed: OwedNotice,
): void {
  outbox.deliver(canary, alertsFor(canary, owed.severity), renderNotice(canary, state, owed))
}

/** A run that gave way to another may owe its last words: they are struck off its record when they were delivered. */
async function tellOfFormerRuns(options: AnnounceOptions, canary: Canary, state: ReleaseState): Promise<void> {
  const { client, copies, outbox } = options
  for (const run of runsOf(copies, canary)) {
    const { notices = [] } = run.status ?? {}
    if (notices.length === 0 || run.status === undefined || run.metadata.name === state.run?.name) continue
    const owed = notices.filter(({ id }) => !outbox.isSettled(id))
    for (const each of owed) deliver(options, canary, formerState(state, run), each)
    if (owed.length === notices.length) continue
    const { notices: _, ...status } = run.status
    const struck: CanaryRun = { ...run, status: { ...status, ...(owed.length === 0 ? {} : { notices: owed }) } }
    copies.runs.overlay(await client.replace<CanaryRun>(canaryRunKind, struck, 'status'))
  }
}

/** As far as a notice tells of it. */
const formerState = (state: ReleaseState, { spec, status }: CanaryRun): ReleaseState => ({
  ...state,
  run: state.run && {
    ...state.run,
    revision: spec.revision,
    images: spec.images,
    previousImages: spec.previousImages,
    steps: status?.steps ?? [],
    progress: { ...state.run.progress, failedChecks: status?.progress?.failedChecks ?? 0 },
  },
})

function renderNotice({ metadata, spec }: Canary, { run, lastAppliedSpec }: ReleaseState, owed: OwedNotice): Notice {
  return {
    id: owed.id,
    canary: metadata.name,
    namespace: metadata.namespace ?? '',
    severity: owed.severity,
    reason: owed.reason,
    text: owed.message,
    phase: owed.phase,
    revision: run?.revision ?? lastAppliedSpec ?? '',
    fields: [
      { name: 'Target', value: `${spec.targetRef.kind}/${spec.targetRef.name}` },
      { name: 'Images', value: run ? describeChange(run.previousImages, run) : '' },
      { name: 'Weight', value: `${owed.weight}%` },
      { name: 'Failed checks', value: `${run?.progress.failedChecks ?? 0} of ${spec.analysis.threshold}` },
      ...measured(run),
    ].filter(({ value }) => value !== ''),
    time: owed.time,
  }
}

/** The last word of each metric in the newest step: a promotion has its numbers, as a rollback has. */
function measured(run: ReleaseState['run']): Notice['fields'] {
  const messages = new Map((run?.steps.at(-1)?.verdicts ?? []).map(({ metric, message }) => [metric, message]))
  return [...messages].map(([name, value]) => ({ name, value }))
}
