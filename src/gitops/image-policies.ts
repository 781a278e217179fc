import { type ImagePolicy, imagePolicyKind, imagePolicySchema } from '../api/index.ts'
import {
  createReflector,
  createWorkQueue,
  type EventRecorder,
  isConflict,
  type KubeClient,
  KubeError,
  type Random,
  type Reflector,
  type WorkOutcome,
} from '../kube/index.ts'
import { type Clock, type Logger, messageOf, runTogether } from '../runtime/index.ts'
import { type Finding, imagePolicyReasons, isNews, nextStatus } from './image-policy-status.ts'
import { type PollResult, pollPolicy } from './poll.ts'
import { type ListTags, listTags } from './registry-client.ts'
import { parseSchedule } from './schedule.ts'

export interface ImagePolicyOptions {
  readonly client: KubeClient
  readonly recorder: EventRecorder
  readonly clock: Clock
  readonly log: Logger
  readonly random?: Random
  /** How registries are asked; by the distribution protocol when absent. */
  readonly listTags?: ListTags
}

/** After a failure the registry is asked again without waiting for the schedule: 30 s, doubling to 10 minutes. */
const RETRY = { baseMs: 30_000, capMs: 600_000 }

interface Appointment {
  readonly generation: number
  readonly failures: number
  /** Wall clock: when the registry is asked next. */
  readonly nextAt: number
}

interface Room extends Required<Pick<ImagePolicyOptions, 'client' | 'recorder' | 'clock' | 'log' | 'listTags'>> {
  readonly policies: Reflector<ImagePolicy>
  readonly appointments: Map<string, Appointment>
}

/** Follows all ImagePolicies until the signal fires: each is polled on its schedule, never twice at a time. */
export async function startImagePolicies(options: ImagePolicyOptions, signal: AbortSignal): Promise<void> {
  const log = options.log.child({ loop: 'image-policies' })
  const policies = createReflector({ ...options, log, kind: imagePolicyKind })
  const room: Room = { listTags, ...options, log, policies, appointments: new Map() }
  const queue = createWorkQueue({
    ...options,
    log,
    concurrency: 4,
    reconcile: (key, stop) => reconcilePolicy(room, key, stop),
  })
  policies.onChange((current, previous) => {
    const { namespace, name } = (current ?? previous)?.metadata ?? {}
    queue.add(`${namespace}/${name}`)
  })
  await runTogether(signal, [policies.start, queue.start])
}

async function reconcilePolicy(room: Room, key: string, signal: AbortSignal): Promise<WorkOutcome> {
  const { policies, appointments, clock } = room
  const [namespace, name = ''] = key.split('/')
  const known = policies.get({ namespace, name })
  if (known === undefined || known.metadata.deletionTimestamp !== undefined) {
    appointments.delete(key)
    return {}
  }
  const policy = parsePolicy(known)
  if (policy === undefined || policy.spec.suspend) {
    appointments.delete(key)
    await record(room, known, { finding: policy === undefined ? unreadable : suspended, changes: [] })
    return {}
  }
  const appointment = appointments.get(key) ?? standingAppointment(policy)
  if (appointment?.generation === generationOf(policy) && clock.now() < appointment.nextAt) {
    return { requeueAfterMs: appointment.nextAt - clock.now() }
  }
  const result = await poll(room, policy, signal)
  if (signal.aborted) return {}
  const next = nextAppointment(policy, result, appointment, clock.now())
  appointments.set(key, next)
  await record(room, policy, result)
  return { requeueAfterMs: Math.max(1, next.nextAt - clock.now()) }
}

const generationOf = (policy: ImagePolicy): number => policy.metadata.generation ?? 0

const suspended: Finding = {
  ready: 'Unknown',
  reason: imagePolicyReasons.suspended,
  message: 'spec.suspend is true: the registry is not asked',
}

const unreadable: Finding = {
  ready: 'False',
  reason: imagePolicyReasons.invalidSpec,
  message: 'the spec cannot be read; is the CustomResourceDefinition of this version installed?',
}

/** The API server has checked the object and filled defaults; an older CRD may have done neither. */
function parsePolicy(policy: ImagePolicy): ImagePolicy | undefined {
  const parsed = imagePolicySchema.safeParse(policy)
  return parsed.success ? { ...policy, spec: parsed.data.spec } : undefined
}

/** A process that starts does not ask again what its predecessor learned a moment ago. */
function standingAppointment(policy: ImagePolicy): Appointment | undefined {
  const { observedGeneration, lastPollTime, conditions } = policy.status ?? {}
  const schedule = parseSchedule(policy.spec.schedule)
  const isReady = conditions?.some((each) => each.type === 'Ready' && each.status === 'True')
  if (!isReady || lastPollTime === undefined || !schedule.ok) return undefined
  const nextAt = schedule.value.nextAfter(Date.parse(lastPollTime))
  return { generation: observedGeneration ?? 0, failures: 0, nextAt }
}

async function poll(room: Room, policy: ImagePolicy, signal: AbortSignal): Promise<PollResult> {
  const schedule = parseSchedule(policy.spec.schedule)
  if (!schedule.ok) {
    const finding = { ready: 'False', reason: imagePolicyReasons.invalidSpec, message: schedule.error } as const
    return { finding, changes: [] }
  }
  return pollPolicy(room, policy, signal)
}

function nextAppointment(
  policy: ImagePolicy,
  { finding, retryAfterMs = 0 }: PollResult,
  former: Appointment | undefined,
  now: number,
): Appointment {
  const generation = generationOf(policy)
  const schedule = parseSchedule(policy.spec.schedule)
  const scheduled = schedule.ok ? schedule.value.nextAfter(now) : Number.POSITIVE_INFINITY
  if (finding.ready === 'True') return { generation, failures: 0, nextAt: scheduled }
  const failures = former?.generation === generation ? former.failures : 0
  const retryAt = now + Math.min(RETRY.capMs, RETRY.baseMs * 2 ** Math.min(failures, 10))
  // What only a new spec can cure waits for the schedule, or for ever when that is what is wrong.
  const isSpecAtFault = finding.reason === imagePolicyReasons.invalidSpec
  const nextAt = isSpecAtFault ? scheduled : Math.min(scheduled, retryAt)
  return { generation, failures: failures + 1, nextAt: Math.max(nextAt, now + retryAfterMs) }
}

async function record(room: Room, policy: ImagePolicy, { finding, changes }: PollResult): Promise<void> {
  const { namespace, name } = policy.metadata
  const fields = { policy: `${namespace}/${name}`, reason: finding.reason }
  for (const { container, from, to } of changes) {
    room.log.info({ ...fields, container, from, to }, 'image updated')
    const message = `Deployment ${policy.spec.targetRef.name}: container ${container} from ${from} to ${to}`
    await room.recorder.record(policy, { type: 'Normal', reason: imagePolicyReasons.imageUpdated, message })
  }
  if (finding.ready === 'False' && isNews(policy, finding)) {
    room.log.warn(fields, finding.message)
    await room.recorder.record(policy, { type: 'Warning', reason: finding.reason, message: finding.message })
  }
  await writeStatus(room, policy, finding)
}

async function writeStatus(room: Room, policy: ImagePolicy, finding: Finding): Promise<void> {
  const fields = { policy: `${policy.metadata.namespace}/${policy.metadata.name}` }
  try {
    await patchStatus(room, policy, finding)
  } catch (error) {
    // Deleted or refused: the next look writes it; the poll is not repeated for it.
    if (!(error instanceof KubeError)) throw error
    room.log.warn({ ...fields, error: messageOf(error) }, 'status could not be written')
  }
}

/** Carries the version that was read, so that a leader that has lost its lease writes nothing. */
async function patchStatus({ client, clock, policies }: Room, policy: ImagePolicy, finding: Finding): Promise<void> {
  const { namespace, name } = policy.metadata
  const write = async (current: ImagePolicy): Promise<void> => {
    const status = nextStatus(current, finding, clock.now())
    if (status === undefined) return
    const patch = { metadata: { resourceVersion: current.metadata.resourceVersion }, status }
    const options = { type: 'merge', subresource: 'status' } as const
    policies.overlay(await client.patch(imagePolicyKind, { namespace, name }, patch, options))
  }
  try {
    await write(policy)
  } catch (error) {
    if (!isConflict(error)) throw error
    const current = await client.get(imagePolicyKind, { namespace, name })
    // A new spec gets a look of its own.
    if (current !== undefined && generationOf(current) === generationOf(policy)) await write(current)
  }
}
