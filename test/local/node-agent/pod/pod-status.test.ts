import { describe, expect, test } from 'vitest'
import type { ContainerState, Pod } from '../../../../src/api/index.ts'
import type { ContainerRecord } from '../../../../src/local/node-agent/container/container.ts'
import { initialRecord } from '../../../../src/local/node-agent/pod/earlier-run.ts'
import { type PodObservation, renderPodStatus } from '../../../../src/local/node-agent/pod/pod-status.ts'
import { epoch, podOf } from '../../../support/workload-objects.ts'

const record = (state: ContainerState, rest: Partial<ContainerRecord> = {}): ContainerRecord => ({
  state,
  ready: false,
  started: false,
  restartCount: 0,
  imageID: '',
  ...rest,
})

const running = record({ running: { startedAt: '2030-01-01T00:00:00Z' } }, { ready: true, started: true, pid: 7 })
const waiting = record({ waiting: { reason: 'ErrImagePull' } })
const ended = (exitCode: number) => record({ terminated: { exitCode } })
const again = { ...waiting, lastState: { terminated: { exitCode: 1 } } }

const { status: _, ...pod } = podOf('web')

const observation = (change: Partial<PodObservation> = {}): PodObservation => ({
  pod,
  mode: 'none',
  podIP: '127.70.1.1',
  containers: new Map([['web', running]]),
  sidecar: undefined,
  strays: [],
  now: epoch,
  ...change,
})

test('the whole status of a running pod', () => {
  const time = '2030-01-01T00:00:00Z'
  const holds = (type: string) => ({ type, status: 'True', reason: '', message: '', lastTransitionTime: time })
  expect(renderPodStatus(observation())).toEqual({
    phase: 'Running',
    hostIP: '127.0.0.1',
    podIP: '127.70.1.1',
    podIPs: [{ ip: '127.70.1.1' }],
    startTime: time,
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(holds),
    containerStatuses: [
      {
        name: 'web',
        image: 'web:1',
        imageID: '',
        containerID: 'process://uid-web/7',
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: time } },
      },
    ],
  })
})

describe('the phase', () => {
  const phase = (web: ContainerRecord, restartPolicy: Pod['spec']['restartPolicy'] = 'Always') =>
    renderPodStatus(
      observation({ pod: { ...pod, spec: { ...pod.spec, restartPolicy } }, containers: new Map([['web', web]]) }),
    ).phase

  test.each([
    ['waiting for the first start', phase(waiting), 'Pending'],
    ['waiting for a restart', phase(again), 'Running'],
    ['ended, to be restarted', phase(ended(1)), 'Running'],
    ['ended well, for good', phase(ended(0), 'OnFailure'), 'Succeeded'],
    ['ended badly, to be restarted', phase(ended(1), 'OnFailure'), 'Running'],
    ['ended badly, for good', phase(ended(1), 'Never'), 'Failed'],
  ])('%s', (_name, actual, expected) => {
    expect(actual).toBe(expected)
  })
})

describe('the conditions', () => {
  const conditions = (change: Partial<PodObservation>) =>
    (renderPodStatus(observation(change)).conditions ?? [])
      .filter(({ type }) => !['PodScheduled', 'Initialized'].includes(type ?? ''))
      .map(({ type, status, reason, message }) => [type, status, reason, message].join(' ').trim())

  test('a container that is not ready is named', () => {
    expect(conditions({ containers: new Map([['web', waiting]]) })).toEqual([
      'ContainersReady False ContainersNotReady containers with unready status: [web]',
      'Ready False ContainersNotReady containers with unready status: [web]',
    ])
  })

  test('a meshed pod is ready only with its sidecar', () => {
    expect(conditions({ mode: 'sidecar', sidecar: { ...running, ready: false } })).toEqual([
      'ContainersReady True',
      'Ready False SidecarNotReady the sidecar has no complete configuration from the mesh yet',
      'local.sluice.dev/SidecarReady False EnvoyNotReady',
    ])
  })

  test('programs and strays are told', () => {
    const containers = new Map([['web', { ...running, argv: ['node', 'web.ts'] }]])
    expect(conditions({ containers, strays: ['container web listens elsewhere'] })).toEqual([
      'ContainersReady True',
      'Ready True',
      'local.sluice.dev/ListensOnHost False ListensElsewhere container web listens elsewhere',
      'local.sluice.dev/ProgramsResolved True Resolved web: ["node","web.ts"]',
    ])
  })

  test('the time moves only with the status', () => {
    const first = renderPodStatus(observation())
    const later = observation({ pod: { ...pod, status: first }, now: epoch + 60_000 })
    expect(renderPodStatus(later)).toEqual(first)
    const broken = renderPodStatus({ ...later, containers: new Map([['web', waiting]]) })
    expect(broken.conditions?.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([
      '2030-01-01T00:00:00Z',
      '2030-01-01T00:00:00Z',
      '2030-01-01T00:01:00Z',
      '2030-01-01T00:01:00Z',
    ])
  })
})

describe('a container of an earlier run of the agent', () => {
  const from = (state: ContainerState | undefined, restartCount = 2) => {
    const status = {
      name: 'web',
      image: '',
      imageID: '',
      ready: false,
      restartCount,
      ...(state === undefined ? {} : { state }),
    }
    return initialRecord({ ...pod, status: { containerStatuses: [status] } }, 'web', '2030-01-01T00:05:00Z')
  }

  test.each([
    {
      name: 'that ran was restarted, and what it did is lost',
      actual: from({ running: { startedAt: '2030-01-01T00:00:00Z' } }),
      expected: {
        restartCount: 3,
        lastState: {
          terminated: {
            exitCode: 137,
            reason: 'ContainerStatusUnknown',
            message: 'The node agent ended while the container ran; its process ended with it',
            startedAt: '2030-01-01T00:00:00Z',
            finishedAt: '2030-01-01T00:05:00Z',
          },
        },
      },
    },
    {
      name: 'that had ended is restarted',
      actual: from({ terminated: { exitCode: 1 } }),
      expected: { restartCount: 3, lastState: { terminated: { exitCode: 1 } } },
    },
    { name: 'that waited still waits', actual: from({ waiting: {} }), expected: { restartCount: 2 } },
  ])('$name', ({ actual, expected }) => {
    expect(actual).toEqual(expected)
  })

  test('that was never seen is new', () => {
    expect(initialRecord(pod, 'web', '')).toEqual({ restartCount: 0 })
  })
})
