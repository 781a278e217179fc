import { expect, test } from 'vitest'
import type { DaemonSet, Pod } from '../../../src/api/index.ts'
import { decideDaemonSet } from '../../../src/local/workloads/daemon-set.ts'
import { epoch, type PodFacts, podOf, templateOf } from '../../support/workload-objects.ts'

function daemonSet(spec: Partial<DaemonSet['spec']> = {}, nodeSelector?: Record<string, string>): DaemonSet {
  const template = templateOf('web:2')
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'web', namespace: 'test', uid: 'uid-web', generation: 3 },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { ...template, spec: { ...template.spec, ...(nodeSelector && { nodeSelector }) } },
      ...spec,
    },
  }
}

const hash = (set: DaemonSet): string => {
  const [action] = decide(set, []).actions
  return action?.kind === 'createPod' ? (action.labels['controller-revision-hash'] ?? '') : expect.unreachable()
}

const decide = (set: DaemonSet, pods: readonly Pod[], leaving: readonly string[] = []) =>
  decideDaemonSet({ daemonSet: set, pods, leaving: new Set(leaving), now: epoch + 5_000 })

const old = (facts: PodFacts = { ready: true }) => podOf('old', { ...facts, labels: { app: 'web' } })
const fresh = (facts: PodFacts = { ready: true }) =>
  podOf('fresh', { ...facts, labels: { app: 'web', 'controller-revision-hash': hash(daemonSet()) } })

/** What is done, and the counts: desired, current, updated, ready, available. */
function outline(set: DaemonSet, pods: readonly Pod[], leaving: readonly string[] = []): readonly string[] {
  return decide(set, pods, leaving).actions.map((action) => {
    if (action.kind === 'createPod') return 'create'
    if (action.kind === 'deletePod') return `delete ${action.pod.metadata.name}`
    const { desiredNumberScheduled, currentNumberScheduled, updatedNumberScheduled, ...status } = action.status
    const scheduled = [desiredNumberScheduled, currentNumberScheduled, updatedNumberScheduled]
    return `status ${[...scheduled, status.numberReady, status.numberAvailable].join(' ')}`
  })
}

const surging = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } as const
const byHand = { updateStrategy: { type: 'OnDelete' } } as const
const nowhere = { 'sluice.dev/scale-to-zero': 'true' }

test.each<[string, DaemonSet, readonly Pod[], readonly string[]]>([
  ['makes its pod', daemonSet(), [], ['create', 'status 1 0 0 0 0']],
  [
    'makes it on the node it asks for',
    daemonSet({}, { 'kubernetes.io/os': 'linux' }),
    [],
    ['create', 'status 1 0 0 0 0'],
  ],
  ['makes none on a node it does not ask for', daemonSet({}, nowhere), [], ['status 0 0 0 0 0']],
  ['takes its pod off such a node', daemonSet({}, nowhere), [old()], ['delete old', 'status 0 0 0 0 0']],
  ['keeps the pod of its template', daemonSet(), [fresh()], ['status 1 1 1 1 1']],
  ['replaces a pod of an older one', daemonSet(), [old()], ['delete old', 'status 1 1 0 1 1']],
  ['waits for it to go', daemonSet(), [old({ deletionTimestamp: '2030-01-01T00:00:01Z' })], ['status 1 0 0 0 0']],
  [
    'replaces a pod that failed',
    daemonSet(),
    [fresh({ phase: 'Failed' })],
    ['delete fresh', 'create', 'status 1 0 0 0 0'],
  ],
  ['adds the newer one where it may', daemonSet(surging), [old()], ['create', 'status 1 1 0 1 1']],
  ['keeps the older one until the newer is available', daemonSet(surging), [old(), fresh({})], ['status 1 1 1 0 0']],
  ['and then takes it away', daemonSet(surging), [old(), fresh()], ['delete old', 'status 1 1 1 1 1']],
  ['leaves that to whoever asked for it', daemonSet(byHand), [old()], ['status 1 1 0 1 1']],
])('a DaemonSet %s', (_, set, pods, expected) => {
  expect(outline(set, pods)).toEqual(expected)
})

test('a pod that is on its way out by our own hand is not deleted twice', () => {
  expect(outline(daemonSet(), [old()], ['uid-old'])).toEqual(['status 1 0 0 0 0'])
})

test('a ready pod becomes available later, and its status is written once', () => {
  const set = daemonSet({ minReadySeconds: 60 })
  const { actions, requeueAfterMs } = decide(set, [fresh()])
  expect(requeueAfterMs).toBe(55_000)
  const [written] = actions
  expect(written).toEqual({
    kind: 'writeStatus',
    status: {
      desiredNumberScheduled: 1,
      currentNumberScheduled: 1,
      numberMisscheduled: 0,
      numberReady: 1,
      updatedNumberScheduled: 1,
      numberAvailable: 0,
      numberUnavailable: 1,
      observedGeneration: 3,
    },
  })
  if (written?.kind === 'writeStatus') expect(decide({ ...set, status: written.status }, [fresh()]).actions).toEqual([])
})
