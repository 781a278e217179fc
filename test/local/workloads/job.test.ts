import { describe, expect, test } from 'vitest'
import type { Condition, Job, Pod } from '../../../src/api/index.ts'
import { decideJob } from '../../../src/local/workloads/job.ts'
import { epoch, podOf, templateOf } from '../../support/workload-objects.ts'

const started = '2030-01-01T00:00:00Z'

const jobOf = (spec: Partial<Job['spec']> = {}, status?: Job['status']): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'measure', namespace: 'test', uid: 'uid-measure', creationTimestamp: started },
  spec: { parallelism: 1, completions: 1, backoffLimit: 1, template: templateOf('web:1'), ...spec },
  ...(status === undefined ? {} : { status }),
})

/** A pod whose program ended with an error so many seconds after the start. */
function failedAt(name: string, second: number): Pod {
  const pod = podOf(name, { phase: 'Failed' })
  const finishedAt = new Date(epoch + second * 1_000).toISOString()
  const [status] = pod.status?.containerStatuses ?? []
  const state = { terminated: { exitCode: 1, finishedAt } }
  return { ...pod, status: { ...pod.status, containerStatuses: status === undefined ? [] : [{ ...status, state }] } }
}

const counts = (active: number, succeeded: number, failed: number) => ({
  startTime: started,
  active,
  succeeded,
  failed,
})

const ended = (type: string, reason: string, second: number, message = '') => {
  const time = new Date(epoch + second * 1_000).toISOString().replace('.000Z', 'Z')
  const condition = { type, status: 'True', reason, message, lastProbeTime: time, lastTransitionTime: time } as const
  return [condition] satisfies readonly Condition[]
}

describe('decideJob', () => {
  const decide = (job: Job, pods: readonly Pod[], seconds: number) =>
    decideJob({ job, pods, leaving: new Set(), now: epoch + seconds * 1_000 })

  test.each([
    {
      name: 'begins with a pod',
      decision: decide(jobOf(), [], 0),
      expected: {
        actions: [
          { kind: 'createPods', count: 1 },
          { kind: 'writeStatus', status: counts(0, 0, 0) },
        ],
      },
    },
    {
      name: 'runs as many as it wants in parallel, and no more than are missing',
      decision: decide(
        jobOf({ parallelism: 3, completions: 4 }, counts(1, 2, 0)),
        [podOf('a', { phase: 'Succeeded' }), podOf('b', { phase: 'Succeeded' }), podOf('c')],
        5,
      ),
      expected: { actions: [{ kind: 'createPods', count: 1 }] },
    },
    {
      name: 'is complete when enough have succeeded',
      decision: decide(jobOf({}, counts(1, 0, 0)), [podOf('a', { phase: 'Succeeded' })], 7),
      expected: {
        actions: [
          {
            kind: 'writeStatus',
            status: {
              ...counts(0, 1, 0),
              completionTime: '2030-01-01T00:00:07Z',
              conditions: ended('Complete', 'CompletionsReached', 7),
            },
          },
        ],
      },
    },
    {
      name: 'waits before it tries again',
      decision: decide(jobOf({}, counts(0, 0, 1)), [failedAt('a', 5)], 8),
      expected: { actions: [], requeueAfterMs: 7_000 },
    },
    {
      name: 'tries again then',
      decision: decide(jobOf({}, counts(0, 0, 1)), [failedAt('a', 5)], 15),
      expected: { actions: [{ kind: 'createPods', count: 1 }] },
    },
    {
      name: 'has failed after more failures than it allows',
      decision: decide(jobOf({ backoffLimit: 0 }, counts(1, 0, 0)), [failedAt('a', 5)], 5),
      expected: {
        actions: [
          {
            kind: 'writeStatus',
            status: {
              ...counts(0, 0, 1),
              conditions: ended('Failed', 'BackoffLimitExceeded', 5, 'Job has reached the specified backoff limit'),
            },
          },
        ],
      },
    },
    {
      name: 'ends its pods at the deadline',
      decision: decide(jobOf({ activeDeadlineSeconds: 9 }, counts(1, 0, 0)), [podOf('a')], 9),
      expected: {
        actions: [
          { kind: 'deletePod', pod: podOf('a') },
          {
            kind: 'writeStatus',
            status: {
              ...counts(0, 0, 0),
              conditions: ended('Failed', 'DeadlineExceeded', 9, 'Job was active longer than specified deadline'),
            },
          },
        ],
      },
    },
    {
      name: 'wakes for the deadline',
      decision: decide(jobOf({ activeDeadlineSeconds: 9 }, counts(1, 0, 0)), [podOf('a')], 2),
      expected: { actions: [], requeueAfterMs: 7_000 },
    },
    {
      name: 'ends its pods while it is suspended',
      decision: decide(jobOf({ suspend: true }, counts(0, 0, 0)), [podOf('a')], 2),
      expected: { actions: [{ kind: 'deletePod', pod: podOf('a') }] },
    },
    {
      name: 'that ended is left alone, and removed when its time is over',
      decision: [29, 40].map((second) =>
        decide(
          jobOf(
            { ttlSecondsAfterFinished: 30 },
            { ...counts(0, 1, 0), conditions: ended('Complete', 'CompletionsReached', 7) },
          ),
          [podOf('a', { phase: 'Succeeded' })],
          second,
        ),
      ),
      expected: [{ actions: [], requeueAfterMs: 8_000 }, { actions: [{ kind: 'deleteJob' }] }],
    },
  ])('$name', ({ decision, expected }) => {
    expect(decision).toEqual(expected)
  })
})
