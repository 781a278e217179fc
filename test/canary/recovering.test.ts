import { describe, expect, test } from 'vitest'
import { abortAnnotation, type RunStep } from '../../src/api/index.ts'
import { decide, type Observation, type ReleaseState } from '../../src/canary/index.ts'
import { emptyProgress } from '../../src/canary/state.ts'
import { buildCanary } from '../support/canary-objects.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString()

const up = { replicas: 2, readyReplicas: 2, isReady: true }
const down = { replicas: 2, readyReplicas: 0, isReady: false }
const toCanary = { primary: 0, canary: 100, mirror: 0 }
const toPrimary = { primary: 100, canary: 0, mirror: 0 }
const split = { primary: 50, canary: 50, mirror: 0 }

const step: RunStep = {
  kind: 'weight',
  weight: 100,
  mirrorWeight: 0,
  startedAt: at(-12),
  programmedAt: at(-10),
  outcome: 'running',
  verdicts: [],
}

/** A fix after a promotion that failed and left the primary without a ready pod: there is no safe weight 0. */
const stateOf = (recovering: boolean, steps: RunStep[] = [step]): ReleaseState => ({
  phase: 'Progressing',
  since: NOW - 60_000,
  cause: { reason: 'WeightChanged', message: 'v2 gets 100% of the requests' },
  lastAppliedSpec: 'v2',
  lastPromotedSpec: 'v1',
  history: [],
  run: {
    name: 'web-2',
    revision: 'v2',
    images: ['web:2'],
    startedAt: NOW - 60_000,
    outcome: 'Running',
    cause: { reason: 'NewRevision', message: '' },
    steps,
    progress: {
      ...emptyProgress,
      ...(recovering ? { recovering } : {}),
      ...{ readyAt: NOW - 30_000, preparedAt: NOW - 30_000, stepIndex: steps.length - 1, checkedAt: NOW - 1_000 },
    },
  },
})

const observationOf = (overrides: Partial<Observation> = {}): Observation => ({
  now: NOW,
  canary: buildCanary(),
  target: { ...up, images: ['web:2'], revision: 'v2' },
  primary: { ...down, images: ['web:1'], revision: 'v1' },
  services: { areBackendsReady: true, isApexReady: true },
  route: { traffic: toCanary, isCurrent: true, isProgrammed: true },
  runs: [],
  answers: {},
  ...overrides,
})

const aborted = { canary: buildCanary({ annotations: { [abortAnnotation]: 'v2' } }) }
const newer = { target: { ...up, images: ['web:3'], revision: 'v3' } }

const endOf = (state: ReleaseState, observation: Observation) => {
  const { next, actions, notes } = decide(state, observation)
  const { outcome, cause, progress } = next.run ?? expect.unreachable()
  return {
    ...{ phase: next.phase, outcome, reason: cause.reason, isHeld: progress.heldAt === NOW },
    ...{ isLeaving: progress.ending !== undefined, told: notes.map(({ severity, reason }) => `${severity} ${reason}`) },
    actions: actions.map((action) => (action.kind === 'route' ? action.traffic : action.kind)),
  }
}

describe('a run that began without a ready primary', () => {
  const ended = { isHeld: true, isLeaving: false, actions: [] }

  test('ends where its pods are, at once, when it is aborted', () => {
    const told = ['error Aborted']
    expect(endOf(stateOf(true), observationOf(aborted))).toEqual({
      ...ended,
      ...{ phase: 'Failed', outcome: 'Failed', reason: 'Aborted', told },
    })
  })

  test('ends where its pods are, at once, when a newer revision comes', () => {
    const told = ['info Superseded']
    expect(endOf(stateOf(true), observationOf(newer))).toEqual({
      ...ended,
      ...{ phase: 'Progressing', outcome: 'Superseded', reason: 'Superseded', told },
    })
  })

  test('any other leaves: weight 0 first', () => {
    const leaving = { phase: 'Progressing', outcome: 'Running', reason: 'NewRevision', isHeld: false, isLeaving: true }
    const primary = { ...up, images: ['web:1'], revision: 'v1' }
    expect(endOf(stateOf(false), observationOf({ ...aborted, primary }))).toMatchObject({
      ...leaving,
      actions: [toPrimary],
    })
  })

  test.each([
    {
      to: 'the new version, while the primary has no ready pod',
      primary: down,
      target: up,
      from: toPrimary,
      route: [toCanary],
    },
    { to: 'the primary, when it has some again', primary: up, target: up, from: toCanary, route: [toPrimary] },
    { to: 'nobody else, while neither has any', primary: down, target: down, from: split, route: [] },
  ])('before its first step requests go to $to', ({ primary, target, from, route }) => {
    const observation = observationOf({
      primary: { ...primary, images: ['web:1'], revision: 'v1' },
      target: { ...target, images: ['web:2'], revision: 'v2' },
      route: { traffic: from, isCurrent: true, isProgrammed: true },
    })
    const { run, ...state } = stateOf(true, [])
    const progress = { ...emptyProgress, recovering: true }
    const starting: ReleaseState = { ...state, run: run && { ...run, progress } }
    const canary = buildCanary({
      analysis: { webhooks: [{ name: 'load', type: 'pre-rollout', url: 'http://hooks/' }] },
    })
    expect(endOf(starting, { ...observation, canary }).actions).toEqual(route)
  })
})
