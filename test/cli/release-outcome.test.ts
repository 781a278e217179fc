import { describe, expect, test } from 'vitest'
import type { Canary, CanaryRun } from '../../src/api/index.ts'
import { type Outcome, outcomeOf, revisionNamed } from '../../src/cli/release-outcome.ts'
import { buildCanary } from '../support/canary-objects.ts'

type Phase = NonNullable<Canary['status']>['phase']

const canaryAt = (phase: Phase, applied: string, promoted: string, observedGeneration = 1): Canary =>
  buildCanary({ status: { phase, lastAppliedSpec: applied, lastPromotedSpec: promoted, observedGeneration } })

let number = 0
const runOf = (revision: string, phase?: NonNullable<CanaryRun['status']>['phase'], image = `web:${revision}`) => {
  number += 1
  const run: CanaryRun = {
    apiVersion: 'sluice.dev/v1',
    kind: 'CanaryRun',
    metadata: { name: `web-${number}` },
    spec: {
      canary: 'web',
      revision,
      images: [image],
      startedAt: new Date(1_800_000_000_000 + number * 1_000).toISOString(),
    },
    ...(phase === undefined ? {} : { status: { phase, reason: '', message: '', steps: [] } }),
  }
  return run
}

describe('the release of v2', () => {
  const rows: readonly [string, Outcome, Canary, string | undefined, readonly CanaryRun[]][] = [
    ['has not been seen yet', 'running', canaryAt('Succeeded', 'v1', 'v1'), 'v2', []],
    ['was seen', 'running', canaryAt('Progressing', 'v2', 'v1'), 'v2', [runOf('v2')]],
    ['succeeded', 'succeeded', canaryAt('Succeeded', 'v2', 'v2'), 'v2', [runOf('v2', 'Succeeded')]],
    ['was the first version', 'succeeded', canaryAt('Initialized', 'v2', 'v2'), 'v2', []],
    ['failed', 'rolled-back', canaryAt('Failed', 'v2', 'v1'), 'v2', [runOf('v2', 'Failed')]],
    ['is spoken of by an old status', 'running', canaryAt('Succeeded', 'v2', 'v2', 0), 'v2', []],
    ['gives way', 'running', canaryAt('Progressing', 'v1', 'v1'), 'v3', [runOf('v2', 'Running')]],
    ['gave way', 'superseded', canaryAt('Progressing', 'v3', 'v1'), 'v3', [runOf('v2', 'Superseded'), runOf('v3')]],
    ['was replaced before it was seen', 'superseded', canaryAt('Progressing', 'v3', 'v1'), 'v3', [runOf('v3')]],
    ['was promoted before', 'succeeded', canaryAt('Progressing', 'v3', 'v2'), 'v3', [runOf('v2', 'Succeeded')]],
    ['was the first version before', 'succeeded', canaryAt('Progressing', 'v3', 'v2'), 'v3', [runOf('v3')]],
    ['failed before', 'rolled-back', canaryAt('Progressing', 'v3', 'v1'), 'v3', [runOf('v2', 'Failed')]],
    [
      'is the second of this revision',
      'superseded',
      canaryAt('Progressing', 'v3', 'v1'),
      'v3',
      [runOf('v2', 'Succeeded'), runOf('v2', 'Superseded')],
    ],
    ['comes again', 'running', canaryAt('Succeeded', 'v3', 'v3'), 'v2', [runOf('v2', 'Succeeded')]],
    ['lost its workload', 'rolled-back', canaryAt('Failed', 'v2', 'v1'), undefined, [runOf('v2', 'Failed')]],
  ]
  test.each(rows)('%s', (...[, outcome, canary, workload, runs]) => {
    expect(outcomeOf({ canary, runs, workload, awaited: 'v2' })).toBe(outcome)
  })
})

describe('a word for a revision', () => {
  const runs = [runOf('v1', 'Succeeded', 'web:1'), runOf('v2', 'Failed', 'web:2'), runOf('v3', 'Failed', 'web:2')]
  const workload = { revision: 'v4', images: ['web:4'] }
  const rows: readonly [string, string, string | undefined][] = [
    ['the revision of the workload', 'v4', 'v4'],
    ['an image of the workload', 'web:4', 'v4'],
    ['a revision of the past', 'v1', 'v1'],
    ['an image of the past: its newest run', 'web:2', 'v3'],
    ['an image that is not there yet', 'web:5', undefined],
  ]
  test.each(rows)('%s', (_title, word, revision) => {
    expect(revisionNamed(word, runs, workload)).toBe(revision)
  })
})
