import { describe, expect, test } from 'vitest'
import type { RunStep } from '../../src/api/index.ts'
import { awaitProxies } from '../../src/canary/acknowledgement.ts'
import { guardedRun } from '../../src/canary/alarm.ts'
import { podsDoNotCrash } from '../../src/canary/crashes.ts'
import { guard } from '../../src/canary/guards.ts'
import { decide, type Observation } from '../../src/canary/index.ts'
import { finalising } from '../../src/canary/phases/finalising.ts'
import { idle } from '../../src/canary/phases/idle.ts'
import { type ActiveRelease, emptyProgress, type RunState } from '../../src/canary/state.ts'
import { resume } from '../../src/canary/suspension.ts'
import { turnOf } from '../../src/canary/turn.ts'
import { buildCanary } from '../support/canary-objects.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString()
const up = { replicas: 2, readyReplicas: 2, isReady: true }
const toCanary = { primary: 0, canary: 100, mirror: 0 }

const step: RunStep = {
  ...{ kind: 'weight', weight: 100, mirrorWeight: 0, outcome: 'running', verdicts: [] },
  ...{ startedAt: at(-12), programmedAt: at(-10) },
}

function stateOf(run: Partial<RunState> = {}, over: Partial<ActiveRelease> = {}): ActiveRelease {
  return {
    ...{ phase: 'Progressing', since: NOW - 300_000, cause: { reason: 'Progressing', message: '' }, history: [] },
    ...{ lastAppliedSpec: 'v2', lastPromotedSpec: 'v1' },
    ...over,
    run: {
      ...{ name: 'web-1', revision: 'v2', images: ['web:2'], startedAt: NOW - 200_000, outcome: 'Running' },
      ...{ cause: { reason: 'NewRevision', message: '' }, steps: [step], progress: emptyProgress },
      ...run,
    },
  }
}

const observationOf = (over: Partial<Observation> = {}): Observation => ({
  now: NOW,
  canary: buildCanary(),
  target: { ...up, images: ['web:2'], revision: 'v2' },
  primary: { ...up, images: ['web:1'], revision: 'v1' },
  services: { areBackendsReady: true, isApexReady: true },
  route: { traffic: toCanary, isCurrent: true, isProgrammed: true },
  ...{ runs: [], answers: {} },
  ...over,
})

describe('at the edges of a decision', () => {
  test('the guard looks at all that reached a run, but not at what its pre-rollout webhooks sent', () => {
    const webhooks = [{ name: 'load', type: 'pre-rollout', url: 'http://hooks/' }]
    const since = (analysis: object) => guardedRun(stateOf(), { canary: buildCanary({ analysis }) })?.since
    expect([since({}), since({ webhooks })]).toEqual([NOW - 200_000, NOW - 10_000])
  })

  test('the deadline of a verdict stands still while a release is suspended', () => {
    const progress = { ...emptyProgress, verdictAt: NOW - 90_000 }
    const resumed = resume(stateOf({ progress }, { suspendedAt: NOW - 60_000 }), NOW)
    expect(resumed.run?.progress.verdictAt).toBe(NOW - 30_000)
  })

  test('pods that crash beside enough that are ready end nothing', () => {
    const crash = { message: 'container web ended with code 3' }
    const outcome = (isReady: boolean) =>
      podsDoNotCrash(stateOf(), observationOf({ crash, target: { ...up, isReady, images: [], revision: 'v2' } }))
    expect([outcome(true), outcome(false) !== undefined]).toEqual([undefined, true])
  })

  test('a Deployment that gives up on some of its pods ends nothing where fewer are enough', () => {
    const failure = { message: 'Deployment web: it has timed out progressing', at: NOW - 10_000 }
    const state = stateOf({ progress: { ...emptyProgress, readyAt: NOW - 100_000 } })
    const ending = (isReady: boolean) => {
      const target = { ...up, isReady, failure, images: ['web:2'], revision: 'v2' }
      return guard(state, observationOf({ target }))?.state.run?.progress.ending?.cause.reason
    }
    expect([ending(true), ending(false)]).toEqual([undefined, 'ProgressDeadlineExceeded'])
  })

  test('a window does not begin in the future, whatever the clock of the mesh says', () => {
    const { programmedAt: _, ...waiting } = step
    const route = { traffic: toCanary, isCurrent: true, isProgrammed: true, programmedAt: NOW + 60_000 }
    const change = awaitProxies(stateOf({ steps: [waiting] }), observationOf({ route }), waiting)
    expect(change?.state.run?.steps[0]?.programmedAt).toBe(at(0))
  })

  test('proxies have their whole time for the last step of the way back', () => {
    const back: RunStep = { ...step, kind: 'promotion', weight: 0, startedAt: at(-5) }
    const route = { traffic: toCanary, isCurrent: true, isProgrammed: false }
    const late = (steps: RunStep[]) =>
      finalising(stateOf({ steps }, { phase: 'Finalising' }), observationOf({ route }))?.state.stalled?.reason
    expect([late([back]), late([{ ...back, startedAt: at(-100) }])]).toEqual([undefined, 'ProxiesLagging'])
  })

  test('of two that were detected at once the first by name begins', () => {
    const others = (name: string) => [{ name, dependsOn: [], standing: 'queued', waitingSince: NOW - 300_000 } as const]
    const wait = (name: string) =>
      turnOf(stateOf({}, { phase: 'Waiting' }), observationOf({ group: { limit: 1, others: others(name) } }))?.reason
    expect([wait('cart'), wait('zoo')]).toEqual(['WaitingForTurn', undefined])
  })

  const held = (revision: string) => {
    const progress = { ...emptyProgress, heldAt: NOW - 60_000 }
    return stateOf({ outcome: 'Failed', revision, progress }, { phase: 'Failed' })
  }

  test('a promotion that failed goes on only where its primary became ready with the same revision', () => {
    const primary = (revision: string) => ({ ...up, images: ['web:2'], revision })
    const phase = (revision: string) => idle(held('v2'), observationOf({ primary: primary(revision) }))?.state.phase
    expect([phase('v1'), phase('v2')]).toEqual([undefined, 'Finalising'])
  })

  test('a promotion that failed stays held though the workload is set back to what was promoted before', () => {
    const target = { ...up, images: ['web:1'], revision: 'v1' }
    expect(idle(held('v2'), observationOf({ target }))).toBeUndefined()
  })

  test('a deleted Canary takes its requests back only from a workload without any ready pod', () => {
    const canary = buildCanary({ metadata: { deletionTimestamp: at(-5) } })
    const deletion = {
      isNamespaceGoing: false,
      apex: 'held',
      pods: undefined,
      areEndpointsReady: true,
      areEndpointsMoved: false,
      route: 'held',
    } as const
    const actions = (readyReplicas: number) => {
      const target = { replicas: 2, readyReplicas, isReady: false, images: ['web:2'], revision: 'v2' }
      return decide(stateOf({}, { phase: 'Terminating' }), observationOf({ canary, deletion, target })).actions
    }
    expect(actions(1)).toEqual([])
    expect(actions(0)).toEqual([{ kind: 'route', traffic: { primary: 100, canary: 0, mirror: 0 } }])
  })
})
