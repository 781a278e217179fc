import { describe, expect, test } from 'vitest'
import type { Canary, CanaryRun, CanaryStatus } from '../../src/api/index.ts'
import { findFlaggerLease } from '../../src/flagger/lease.ts'
import { visibleStatus, wholeStatus } from '../../src/flagger/status.ts'
import { buildCanary } from '../support/canary-objects.ts'

const at = '2030-01-01T00:00:00.000Z'
const condition = {
  type: 'Promoted',
  status: 'True',
  reason: 'Succeeded',
  message: 'm',
  lastTransitionTime: at,
} as const

const written: CanaryStatus = {
  observedGeneration: 3,
  phase: 'Succeeded',
  canaryWeight: 0,
  mirrorWeight: 0,
  failedChecks: 0,
  iterations: 1,
  lastAppliedSpec: 'v1-a',
  lastPromotedSpec: 'v1-a',
  lastTransitionTime: at,
  runName: 'flagger-web-2',
  suspendedAt: undefined,
  message: 'promoted',
  history: ['line'],
  conditions: [{ ...condition, observedGeneration: 3 }],
}

/** What an API server with Flagger's CRD gives back. */
const pruned = (status: CanaryStatus): CanaryStatus => {
  const kept = Object.entries(visibleStatus(status)).filter(([, value]) => value !== null)
  return Object.fromEntries(kept) as CanaryStatus
}

const canaryWith = (status: CanaryStatus | undefined): Canary => {
  const { status: _, ...canary } = buildCanary()
  return { ...canary, apiVersion: 'flagger.app/v1beta1', ...(status === undefined ? {} : { status }) }
}

const run = (number: number, revision: string, phase?: 'Running' | 'Succeeded' | 'Failed'): CanaryRun => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'CanaryRun',
  metadata: { name: `flagger-web-${number}` },
  spec: { canary: 'web', revision, images: [], startedAt: at },
  ...(phase === undefined
    ? {}
    : { status: { phase, reason: 'R', message: 'why', steps: [], ...(phase === 'Running' ? {} : { endedAt: at }) } }),
})

describe('a status in Flagger’s CRD', () => {
  test('has only what the CRD keeps, and takes away what is over', () => {
    expect(visibleStatus({ ...written, lastPromotedSpec: undefined })).toEqual({
      phase: 'Succeeded',
      canaryWeight: 0,
      failedChecks: 0,
      iterations: 1,
      lastAppliedSpec: 'v1-a',
      lastPromotedSpec: null,
      lastTransitionTime: at,
      conditions: [{ ...condition, lastUpdateTime: at }],
    })
  })

  test('comes back whole to whom wrote it, whichever of the last ones it is', () => {
    const older: CanaryStatus = { ...written, phase: 'Progressing', runName: 'flagger-web-2', history: [] }
    for (const status of [written, older]) {
      expect(wholeStatus(canaryWith(pruned(status)), [older, written], [])).toMatchObject({
        runName: status.runName,
        history: status.history,
        conditions: status.conditions,
      })
    }
  })

  test.each([
    [
      'the newest run of the revision',
      written,
      [run(1, 'v1-b', 'Failed'), run(2, 'v1-a', 'Succeeded')],
      'flagger-web-2',
    ],
    [
      'not one that was begun and never recorded',
      written,
      [run(2, 'v1-a', 'Succeeded'), run(3, 'v1-a')],
      'flagger-web-2',
    ],
    [
      'one that is only now begun',
      { ...written, phase: 'Progressing' },
      [run(2, 'v1-a', 'Failed'), run(3, 'v1-a')],
      'flagger-web-3',
    ],
    ['none where there was no run', { ...written, phase: 'Initialized' }, [], undefined],
  ] as const)('after a restart the runs tell: %s', (_, status, runs, name) => {
    expect(wholeStatus(canaryWith(pruned(status)), [], runs)?.runName).toBe(name)
  })

  test.each([
    [undefined, undefined],
    [{ ...written, lastAppliedSpec: '6d98b8f4cf' }, undefined],
    [{ phase: '' }, { phase: '', conditions: undefined }],
  ] as const)('that Flagger wrote says nothing of our revisions: %#', (status, expected) => {
    expect(wholeStatus(canaryWith(status), [], [])).toEqual(expected)
  })
})

describe('the lease of Flagger', () => {
  const now = Date.parse('2030-01-01T00:10:00Z')
  const lease = (spec: object) => ({
    get: async () => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'x' }, spec }) as never,
  })
  test.each([
    [
      'held',
      { holderIdentity: 'flagger-1', renewTime: '2030-01-01T00:09:30.000000Z', leaseDurationSeconds: 60 },
      'flagger-1 (kube-system/flagger-leader-election)',
    ],
    [
      'run out',
      { holderIdentity: 'flagger-1', renewTime: '2030-01-01T00:08:30Z', leaseDurationSeconds: 60 },
      undefined,
    ],
    ['given up', { holderIdentity: '', renewTime: '2030-01-01T00:09:59Z' }, undefined],
    ['never taken', {}, undefined],
  ])('%s', async (_, spec, expected) => {
    expect(await findFlaggerLease(lease(spec), 'kube-system', now)).toBe(expected)
  })
})
