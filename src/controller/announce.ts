import { type Alert, type AlertProvider, alertProviderKind, type Canary, secretKind } from '../api/index.ts'
import type { Note, ReleaseState, Severity } from '../canary/index.ts'
import type { EventRecorder, KubeClient } from '../kube/index.ts'
import type { Notice, Notifier } from '../notify/index.ts'
import { type Logger, messageOf } from '../runtime/index.ts'
import type { EventHooks } from './event-hooks.ts'
import { isForbidden, type ReferencePolicy } from './references.ts'

export interface AnnounceOptions {
  readonly client: KubeClient
  readonly events: EventRecorder
  readonly notifier: Notifier
  readonly log: Logger
  readonly policy: ReferencePolicy
  readonly eventHooks: EventHooks
}

export interface Announcement {
  readonly canary: Canary
  readonly state: ReleaseState
  readonly notes: readonly Note[]
  readonly weight: number
  readonly now: number
}

/** Tells of what was decided and recorded: events for all of it, notices for what people want to know at once. */
export async function announce(options: AnnounceOptions, announcement: Announcement): Promise<void> {
  const { canary, state, notes, now } = announcement
  options.eventHooks.tell(canary, state, notes, now)
  const events = notes.map((note) =>
    options.events.record(canary, { type: eventType(note), reason: note.reason, message: note.message }),
  )
  const notices = notes.filter(({ isAlert }) => isAlert).map((note) => renderNotice(announcement, note))
  await Promise.all([...events, ...notices.map((notice) => send(options, canary, notice))])
}

const eventType = ({ severity }: Note): 'Normal' | 'Warning' => (severity === 'info' ? 'Normal' : 'Warning')

const ranks: Readonly<Record<Severity, number>> = { info: 0, warn: 1, error: 2 }

async function send(options: AnnounceOptions, canary: Canary, notice: Notice): Promise<void> {
  const wanted = (canary.spec.analysis.alerts ?? []).filter(({ severity }) => ranks[notice.severity] >= ranks[severity])
  await Promise.all(wanted.map((alert) => sendTo(options, canary, alert, notice)))
}

/** A provider that can not be used is a line in the log: no release waits for it. */
async function sendTo(options: AnnounceOptions, canary: Canary, alert: Alert, notice: Notice): Promise<void> {
  try {
    const provider = await findProvider(options, canary, alert)
    options.notifier.send({ provider, address: await findAddress(options, provider) }, notice)
  } catch (error) {
    const fields = {
      canary: `${canary.metadata.namespace}/${canary.metadata.name}`,
      alert: alert.name,
      error: messageOf(error),
    }
    options.log.warn(fields, 'a notice could not be sent')
  }
}

async function findProvider({ client, policy }: AnnounceOptions, canary: Canary, alert: Alert): Promise<AlertProvider> {
  const { name } = alert.providerRef
  const namespace = alert.providerRef.namespace ?? canary.metadata.namespace
  if (isForbidden(canary, alert.providerRef.namespace, policy)) throw new Error('it names another namespace')
  const provider = await client.get(alertProviderKind, { namespace, name })
  if (provider === undefined) throw new Error(`AlertProvider ${namespace}/${name} does not exist`)
  return provider
}

/** Secrets are read at the moment of sending and kept nowhere. */
async function findAddress({ client }: AnnounceOptions, { metadata, spec }: AlertProvider): Promise<string> {
  if (spec.secretRef === undefined) {
    if (spec.address === undefined) throw new Error('it has neither address nor secretRef')
    return spec.address
  }
  const secret = await client.get(secretKind, { namespace: metadata.namespace, name: spec.secretRef.name })
  const address = secret?.data?.address
  if (address === undefined) throw new Error(`Secret ${spec.secretRef.name} has no key address`)
  return Buffer.from(address, 'base64').toString('utf8').trim()
}

function renderNotice({ canary, state, weight, now }: Announcement, note: Note): Notice {
  const { metadata, spec } = canary
  const progress = state.run?.progress
  return {
    canary: metadata.name,
    namespace: metadata.namespace ?? '',
    severity: note.severity,
    reason: note.reason,
    text: note.message,
    phase: state.phase,
    revision: state.run?.revision ?? state.lastAppliedSpec ?? '',
    fields: [
      { name: 'Target', value: `${spec.targetRef.kind}/${spec.targetRef.name}` },
      { name: 'Images', value: state.run?.images.join(', ') ?? '' },
      { name: 'Weight', value: `${weight}%` },
      { name: 'Failed checks', value: `${progress?.failedChecks ?? 0} of ${spec.analysis.threshold}` },
      ...measured(state),
    ].filter(({ value }) => value !== ''),
    time: new Date(now).toISOString(),
  }
}

/** The last word of each metric in the newest step: a promotion has its numbers, as a rollback has. */
function measured({ run }: ReleaseState): Notice['fields'] {
  const messages = new Map((run?.steps.at(-1)?.verdicts ?? []).map(({ metric, message }) => [metric, message]))
  return [...messages].map(([name, value]) => ({ name, value }))
}
