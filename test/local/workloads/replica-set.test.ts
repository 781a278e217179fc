import { describe, expect, test } from 'vitest'
import { replicaSetKind } from '../../../src/api/index.ts'
import { renderOwnedPod } from '../../../src/local/workloads/owned-pod.ts'
import { decideReplicaSet, deletionOrder } from '../../../src/local/workloads/replica-set.ts'
import { epoch, podOf, replicaSetOf } from '../../support/workload-objects.ts'

const observed = (counts: { replicas: number; ready: number; available: number }) => ({
  replicas: counts.replicas,
  fullyLabeledReplicas: counts.replicas,
  readyReplicas: counts.ready,
  availableReplicas: counts.available,
  observedGeneration: 1,
})

const later = (seconds: number) => new Date(epoch + seconds * 1_000).toISOString()

describe('decideReplicaSet', () => {
  const decide = (
    pods: ReturnType<typeof podOf>[],
    spec: Parameters<typeof replicaSetOf>[1] = {},
    leaving: string[] = [],
  ) =>
    decideReplicaSet({ replicaSet: replicaSetOf('web-a', spec), pods, leaving: new Set(leaving), now: epoch + 5_000 })

  test.each([
    {
      name: 'creates what is missing and counts what is there',
      decision: decide([podOf('one', { ready: true })]),
      expected: {
        actions: [
          { kind: 'createPods', count: 1 },
          { kind: 'writeStatus', status: observed({ replicas: 1, ready: 1, available: 1 }) },
        ],
      },
    },
    {
      name: 'a finished or leaving pod is replaced',
      decision: decide([
        podOf('one', { phase: 'Failed' }),
        podOf('two', { deletionTimestamp: later(1) }),
        podOf('three', { ready: true }),
      ]),
      expected: {
        actions: [
          { kind: 'createPods', count: 1 },
          { kind: 'writeStatus', status: observed({ replicas: 1, ready: 1, available: 1 }) },
        ],
      },
    },
    {
      name: 'the pod that is not ready goes first',
      decision: decide([podOf('one', { ready: true }), podOf('two'), podOf('three', { ready: true })]),
      expected: {
        actions: [
          { kind: 'deletePod', pod: podOf('two') },
          { kind: 'writeStatus', status: observed({ replicas: 3, ready: 2, available: 2 }) },
        ],
      },
    },
    {
      name: 'a deletion on its way is not asked for twice',
      decision: decide([podOf('one', { ready: true }), podOf('two', { ready: true }), podOf('three')], {}, [
        'uid-three',
      ]),
      expected: { actions: [{ kind: 'writeStatus', status: observed({ replicas: 2, ready: 2, available: 2 }) }] },
    },
    {
      name: 'a pod ready for less than minReadySeconds is looked at again',
      decision: decide([podOf('one', { ready: true }), podOf('two', { ready: true, readySince: later(4) })], {
        minReadySeconds: 3,
      }),
      expected: {
        actions: [{ kind: 'writeStatus', status: observed({ replicas: 2, ready: 2, available: 1 }) }],
        requeueAfterMs: 2_000,
      },
    },
  ])('$name', ({ decision, expected }) => {
    expect(decision).toEqual(expected)
  })

  test('a set of no pods is observed once, then left alone', () => {
    const empty = replicaSetOf('web-a', { replicas: 0 })
    const first = decideReplicaSet({ replicaSet: empty, pods: [], leaving: new Set(), now: epoch })
    const status = observed({ replicas: 0, ready: 0, available: 0 })
    expect(first).toEqual({ actions: [{ kind: 'writeStatus', status }] })
    const second = decideReplicaSet({ replicaSet: { ...empty, status }, pods: [], leaving: new Set(), now: epoch })
    expect(second).toEqual({ actions: [] })
  })
})

test('pods are deleted in the order in which they are missed least', () => {
  const pods = [
    podOf('ready-long', { ready: true, readySince: later(0) }),
    podOf('ready-short', { ready: true, readySince: later(9) }),
    podOf('young', { creationTimestamp: later(8) }),
    podOf('restarted', { restarts: 2 }),
    podOf('pending', { phase: 'Pending' }),
  ]
  expect(deletionOrder(pods).map((pod) => pod.metadata.name)).toEqual([
    'pending',
    'restarted',
    'young',
    'ready-short',
    'ready-long',
  ])
})

test('a pod carries the template and its owner', () => {
  const replicaSet = replicaSetOf('web-a')
  expect(renderOwnedPod(replicaSetKind, replicaSet, 'x7kqz')).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-a-x7kqz',
      generateName: 'web-a-',
      namespace: 'test',
      labels: { app: 'web' },
      annotations: {},
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 'web-a',
          uid: 'uid-web-a',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: replicaSet.spec.template.spec,
  })
})
