import { expect, test } from 'vitest'
import type { DaemonSet, Deployment, Pod } from '../../src/api/index.ts'
import { countPods } from '../../src/controller/pods.ts'
import { buildDeployment } from '../support/release-cluster.ts'

const { metadata, spec } = buildDeployment()
const daemonSet: DaemonSet = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata,
  spec: { selector: spec.selector, template: spec.template },
}

const ofReplicaSet = { kind: 'ReplicaSet', name: 'web-6c7d' }
const ofDaemonSet = { kind: 'DaemonSet', name: 'web' }

interface Marks {
  readonly ready?: boolean
  readonly phase?: 'Running' | 'Failed'
  readonly deletionTimestamp?: string
}

const pod = (
  owner: { readonly kind: string; readonly name: string } | null = ofReplicaSet,
  { ready = true, phase = 'Running', ...marks }: Marks = {},
): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-6c7d-w9k2p',
    ...(owner && { ownerReferences: [{ apiVersion: 'apps/v1', uid: 'uid', controller: true, ...owner }] }),
    ...marks,
  },
  spec: spec.template.spec,
  status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '' }] },
})

const leaving = { deletionTimestamp: '2026-01-01T00:00:00Z' }

test.each<[string, Deployment | DaemonSet, readonly Pod[], ReturnType<typeof countPods>]>([
  ['none', buildDeployment(), [], { all: 0, ready: 0 }],
  [
    'one that is ready, one that is not',
    buildDeployment(),
    [pod(), pod(ofReplicaSet, { ready: false })],
    { all: 2, ready: 1 },
  ],
  [
    'one that is told to go, although it is ready',
    buildDeployment(),
    [pod(ofReplicaSet, leaving)],
    { all: 0, ready: 0 },
  ],
  [
    'one that was evicted',
    buildDeployment(),
    [pod(ofReplicaSet, { phase: 'Failed', ready: false })],
    { all: 0, ready: 0 },
  ],
  [
    'one of nobody, and one of a Job',
    buildDeployment(),
    [pod(null), pod({ kind: 'Job', name: 'web' })],
    { all: 0, ready: 0 },
  ],
  ['those of a DaemonSet', daemonSet, [pod(ofDaemonSet), pod(ofReplicaSet)], { all: 1, ready: 1 }],
])('living pods of a workload: %s', (_, workload, pods, counts) => {
  expect(countPods(workload, pods)).toEqual(counts)
})
