import type { Condition, Container, ContainerStatus, Pod } from '../../../api/index.ts'
import type { ContainerRecord } from '../container/container.ts'
import { shouldRestart } from '../container/exit.ts'
import type { SidecarMode } from '../spec/sidecar-membership.ts'

export type PodStatus = NonNullable<Pod['status']>

export interface PodObservation {
  readonly pod: Pod
  readonly mode: SidecarMode
  readonly podIP: string
  /** By container name. */
  readonly containers: ReadonlyMap<string, ContainerRecord>
  /** Absent when the pod has no sidecar beside its own containers. */
  readonly sidecar: ContainerRecord | undefined
  /** A sentence for each container that listens where its clients can not reach it. */
  readonly strays: readonly string[]
  /** Why the pod can not run at all, such as no address left. */
  readonly failure?: string
  readonly now: number
}

type Note = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

export const sidecarReadyCondition = 'local.sluice.dev/SidecarReady'
export const listensOnHostCondition = 'local.sluice.dev/ListensOnHost'
export const programsCondition = 'local.sluice.dev/ProgramsResolved'

/** The status of a pod from what its containers do. */
export function renderPodStatus(observation: PodObservation): PodStatus {
  const { pod, podIP, now } = observation
  const statuses = pod.spec.containers.map((container) => containerStatus(container, observation))
  return {
    phase: phaseOf(pod, statuses),
    hostIP: '127.0.0.1',
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: pod.status?.startTime ?? timestamp(now),
    conditions: conditionsOf(observation, statuses),
    containerStatuses: statuses,
    ...(observation.failure === undefined ? {} : { reason: 'NodeAgentError', message: observation.failure }),
  }
}

const nothingYet: ContainerRecord = {
  state: { waiting: { reason: 'ContainerCreating' } },
  ready: false,
  started: false,
  restartCount: 0,
  imageID: '',
}

function containerStatus(container: Container, { containers, pod }: PodObservation): ContainerStatus {
  const record = containers.get(container.name) ?? nothingYet
  return {
    name: container.name,
    image: container.image,
    imageID: record.imageID,
    ...(record.pid === undefined ? {} : { containerID: `process://${pod.metadata.uid}/${record.pid}` }),
    ready: record.ready,
    started: record.started,
    restartCount: record.restartCount,
    state: record.state,
    ...(record.lastState === undefined ? {} : { lastState: record.lastState }),
  }
}

function phaseOf(pod: Pod, statuses: readonly ContainerStatus[]): NonNullable<PodStatus['phase']> {
  const policy = pod.spec.restartPolicy ?? 'Always'
  const exitCodes = statuses.flatMap(({ state }) =>
    state?.terminated === undefined ? [] : [state.terminated.exitCode],
  )
  const areOver = exitCodes.length === statuses.length && exitCodes.every((code) => !shouldRestart(policy, code === 0))
  if (areOver) return exitCodes.every((code) => code === 0) ? 'Succeeded' : 'Failed'
  const neverStarted = (status: ContainerStatus) =>
    status.state?.waiting !== undefined && status.lastState === undefined
  return statuses.some(neverStarted) ? 'Pending' : 'Running'
}

function conditionsOf(observation: PodObservation, statuses: readonly ContainerStatus[]): readonly Condition[] {
  const { pod, now } = observation
  const containersReady = allReady(statuses)
  const notes: readonly (Note | undefined)[] = [
    note('PodScheduled', true),
    note('Initialized', true),
    containersReady,
    readyNote(observation, containersReady),
    sidecarNote(observation),
    strayNote(observation),
    programsNote(observation),
  ]
  return notes.flatMap((each) => (each === undefined ? [] : [withTime(pod, each, now)]))
}

const note = (type: string, holds: boolean, reason = '', message = ''): Note => ({
  type,
  status: holds ? 'True' : 'False',
  reason,
  message,
})

function allReady(statuses: readonly ContainerStatus[]): Note {
  const missing = statuses.filter(({ ready }) => !ready).map(({ name }) => name)
  if (missing.length === 0) return note('ContainersReady', true)
  return note('ContainersReady', false, 'ContainersNotReady', `containers with unready status: [${missing.join(' ')}]`)
}

function readyNote({ sidecar }: PodObservation, containersReady: Note): Note {
  if (containersReady.status === 'True' && sidecar?.ready === false) {
    return note('Ready', false, 'SidecarNotReady', 'the sidecar has no complete configuration from the mesh yet')
  }
  return { ...containersReady, type: 'Ready' }
}

function sidecarNote({ sidecar }: PodObservation): Note | undefined {
  if (sidecar === undefined) return undefined
  const { waiting, terminated } = sidecar.state
  const reason = waiting?.reason ?? terminated?.reason ?? (sidecar.ready ? 'EnvoyReady' : 'EnvoyNotReady')
  return note(sidecarReadyCondition, sidecar.ready, reason, waiting?.message ?? terminated?.message ?? '')
}

const strayNote = ({ strays }: PodObservation): Note | undefined =>
  strays.length === 0 ? undefined : note(listensOnHostCondition, false, 'ListensElsewhere', strays.join('; '))

/** What an image turned out to be, so that nobody has to guess which program runs. */
function programsNote({ containers }: PodObservation): Note | undefined {
  const programs = [...containers].flatMap(([name, { argv }]) =>
    argv === undefined ? [] : [`${name}: ${JSON.stringify(argv)}`],
  )
  return programs.length === 0 ? undefined : note(programsCondition, true, 'Resolved', programs.join('; '))
}

function withTime(pod: Pod, each: Note, now: number): Condition {
  const previous = pod.status?.conditions?.find(({ type }) => type === each.type)
  const isSame = previous?.status === each.status && previous.lastTransitionTime !== undefined
  return { ...each, lastTransitionTime: isSame ? (previous.lastTransitionTime ?? '') : timestamp(now) }
}

/** Kubernetes' times have whole seconds. */
const timestamp = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
