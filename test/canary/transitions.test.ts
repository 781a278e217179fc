import { describe, expect, test } from 'vitest'
import type { Observation } from '../../src/canary/index.ts'
import { decide, planSteps, questionsFor, type ReleaseState, renderStatus, revisionOf } from '../../src/canary/index.ts'
import { emptyProgress, type RunProgress } from '../../src/canary/state.ts'
import { buildCanary, buildVerdict } from '../support/canary-objects.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString()
const ready = { images: ['web:2'], replicas: 2, readyReplicas: 2, isReady: true }

const observationOf = (overrides: Partial<Observation> = {}): Observation => ({
  now: NOW,
  canary: buildCanary(),
  target: { ...ready, revision: 'v2' },
  primary: { ...ready, images: ['web:1'], revision: 'v1' },
  services: { areBackendsReady: true, isApexReady: true },
  route: { traffic: { primary: 80, canary: 20, mirror: 0 }, isCurrent: true, isProgrammed: true },
  runs: [],
  answers: {},
  ...overrides,
})

const progress: RunProgress = {
  ...emptyProgress,
  readyAt: NOW - 60_000,
  preparedAt: NOW - 60_000,
  stepIndex: 1,
  checkedAt: NOW - 10_000,
  verdictAt: NOW - 10_000,
}

/** In the middle of the step with 20 %, one interval after its window began. */
const stateOf = (overrides: Partial<ReleaseState> = {}, more: Partial<RunProgress> = {}): ReleaseState => ({
  phase: 'Progressing',
  since: NOW - 120_000,
  cause: { reason: 'WeightChanged', message: 'v2 gets 20% of the requests' },
  lastAppliedSpec: 'v2',
  lastPromotedSpec: 'v1',
  history: [],
  run: {
    name: 'web-1',
    revision: 'v2',
    images: ['web:2'],
    startedAt: NOW - 120_000,
    outcome: 'Running',
    cause: { reason: 'NewRevision', message: '' },
    steps: [
      {
        kind: 'weight',
        weight: 20,
        mirrorWeight: 0,
        startedAt: at(-12),
        programmedAt: at(-10),
        outcome: 'running',
        verdicts: [],
      },
    ],
    progress: { ...progress, ...more },
  },
  ...overrides,
})

const checked = (state: Parameters<typeof buildVerdict>[0]): Observation['answers'] => ({
  check: { verdicts: [buildVerdict(state, NOW)], hooks: [] },
})
const refusedBy = (name: string): Observation['answers'] => ({
  check: { verdicts: [buildVerdict('passed', NOW)], hooks: [{ name, ok: false, message: `${name} answered 500` }] },
})
const gone = { traffic: { primary: 100, canary: 0, mirror: 0 }, isCurrent: true, isProgrammed: true }
const weightZero = { kind: 'route', traffic: { primary: 100, canary: 0, mirror: 0 } } as const

interface Row {
  readonly name: string
  readonly state?: ReleaseState
  readonly observation?: Observation
  readonly phase: ReleaseState['phase']
  readonly actions?: readonly object[]
  readonly reason: readonly [string, string]
  readonly notes?: readonly string[]
  /** Seconds from now. */
  readonly wakesIn?: number
}

const rows: readonly Row[] = [
  {
    name: 'before the check is due nothing happens',
    observation: observationOf({ now: NOW - 4_000 }),
    phase: 'Progressing',
    reason: ['WeightChanged', 'v2 gets 20% of the requests'],
    wakesIn: 0,
  },
  {
    name: 'a passed check opens the next step, and its weight is written',
    observation: observationOf({ answers: checked('passed') }),
    phase: 'Progressing',
    actions: [{ kind: 'route', traffic: { primary: 60, canary: 40, mirror: 0 } }],
    reason: ['WeightChanged', 'web:2 (v2) gets 40% of the requests'],
    notes: ['WeightChanged'],
    wakesIn: 0,
  },
  {
    name: 'the weight of a recorded step is written',
    state: unprogrammed(stateOf({}, { checkedAt: undefined })),
    observation: observationOf({ route: gone }),
    phase: 'Progressing',
    actions: [{ kind: 'route', traffic: { primary: 80, canary: 20, mirror: 0 } }],
    reason: ['WeightChanged', 'v2 gets 20% of the requests'],
    wakesIn: 48,
  },
  {
    name: 'a weight that somebody took away after it was programmed is not given again',
    observation: observationOf({ route: gone }),
    phase: 'Progressing',
    reason: ['TrafficLowered', 'the route was set to weight 0 by somebody else while web:2 (v2) had 20'],
    notes: ['TrafficLowered'],
    actions: [{ kind: 'scale-target', replicas: 0 }],
    wakesIn: 60,
  },
  {
    name: 'a failed check below the threshold holds',
    observation: observationOf({ answers: checked('failed') }),
    phase: 'Progressing',
    reason: ['CheckFailed', 'request-success-rate 92.5 (failed check 1 of 2)'],
    notes: ['CheckFailed'],
    wakesIn: 10,
  },
  {
    name: 'a failed webhook is a failed check, though every metric passed',
    observation: observationOf({ answers: refusedBy('load') }),
    phase: 'Progressing',
    reason: ['CheckFailed', 'load answered 500 (failed check 1 of 2)'],
    notes: ['CheckFailed'],
    wakesIn: 10,
  },
  {
    name: 'the check that reaches the threshold takes weight 0 at once, and the pods stay for now',
    state: stateOf({}, { failedChecks: 1 }),
    observation: observationOf({ answers: checked('failed') }),
    phase: 'Progressing',
    actions: [weightZero],
    reason: ['ThresholdReached', 'request-success-rate 92.5 (failed check 2 of 2)'],
    notes: ['ThresholdReached'],
    wakesIn: 60,
  },
  {
    name: 'no data holds and counts as neither',
    observation: observationOf({ answers: checked('no-data') }),
    phase: 'Progressing',
    reason: ['NoVerdict', 'holds without a verdict: request-success-rate no-data'],
    notes: ['NoVerdict'],
    wakesIn: 10,
  },
  {
    name: 'no verdict for as long as the deadline takes it back',
    state: stateOf({}, { verdictAt: NOW - 60_000 }),
    observation: observationOf({ answers: checked('provider-down') }),
    phase: 'Progressing',
    actions: [weightZero],
    reason: ['NoVerdictInTime', 'no verdict within 60 s: request-success-rate provider-down'],
    notes: ['NoVerdictInTime'],
    wakesIn: 60,
  },
  {
    name: 'a pass while a pod is missing does not raise',
    observation: observationOf({
      answers: checked('passed'),
      target: { ...ready, revision: 'v2', readyReplicas: 1, isReady: false },
    }),
    phase: 'Progressing',
    reason: ['Progressing', 'the last check passed: request-success-rate 100'],
    wakesIn: 5,
  },
  {
    name: 'a workload that gave up is taken back between checks',
    observation: observationOf({
      target: { ...ready, revision: 'v2', isReady: false, failure: { message: 'timed out', at: NOW } },
    }),
    phase: 'Progressing',
    actions: [weightZero],
    reason: ['ProgressDeadlineExceeded', 'timed out'],
    notes: ['ProgressDeadlineExceeded'],
    wakesIn: 60,
  },
  {
    name: 'a newer revision takes weight 0 first',
    observation: observationOf({ target: { ...ready, revision: 'v3' } }),
    phase: 'Progressing',
    actions: [weightZero],
    reason: ['Superseded', 'web:2 (v3) replaces web:2 (v2)'],
    notes: ['Superseded'],
    wakesIn: 60,
  },
  {
    name: 'a revert takes weight 0 first',
    observation: observationOf({ target: { ...ready, revision: 'v1' } }),
    phase: 'Progressing',
    actions: [weightZero],
    reason: ['Reverted', 'the workload was set back to web:2 (v1), which the primary runs'],
    notes: ['Reverted'],
    wakesIn: 60,
  },
  {
    name: 'without the acknowledgement of weight 0 the pods stay',
    state: stateOf({}, { ending: endingOf('Failed') }),
    observation: observationOf({ route: { ...gone, isProgrammed: false } }),
    phase: 'Progressing',
    reason: ['WeightChanged', 'v2 gets 20% of the requests'],
    wakesIn: 48,
  },
  {
    name: 'acknowledged, the pods go',
    state: stateOf({}, { ending: endingOf('Failed') }),
    observation: observationOf({ route: gone }),
    phase: 'Progressing',
    actions: [{ kind: 'scale-target', replicas: 0 }],
    reason: ['WeightChanged', 'v2 gets 20% of the requests'],
    wakesIn: 48,
  },
  {
    name: 'and then the run has failed',
    state: stateOf({}, { ending: endingOf('Failed') }),
    observation: observationOf({
      route: gone,
      target: { ...ready, revision: 'v2', replicas: 0, readyReplicas: 0, isReady: false },
    }),
    phase: 'Failed',
    reason: ['ThresholdReached', 'the numbers'],
    wakesIn: 0,
  },
  {
    name: 'the last step that passed leads to promotion, which is recorded before anything is copied',
    state: stateOf({}, { stepIndex: 2 }),
    observation: observationOf({ answers: checked('passed') }),
    phase: 'Promoting',
    reason: ['Promoting', 'copying web:2 (v2) to the primary'],
    notes: ['Promoting'],
    wakesIn: 0,
  },
  {
    name: 'promotion copies the template and moves no traffic',
    state: stateOf({ phase: 'Promoting', since: NOW }),
    phase: 'Promoting',
    actions: [{ kind: 'update-primary', revision: 'v2' }],
    reason: ['WeightChanged', 'v2 gets 20% of the requests'],
    wakesIn: 48,
  },
  {
    name: 'a primary that is rolled out gets the traffic back',
    state: stateOf({ phase: 'Promoting', since: NOW }),
    observation: observationOf({ primary: { ...ready, revision: 'v2' } }),
    phase: 'Finalising',
    actions: [weightZero],
    reason: ['Finalising', 'the primary runs web:2 (v2): moving traffic back to it'],
    wakesIn: 0,
  },
  {
    name: 'a primary that is not rolled out in time leaves traffic where pods are ready',
    state: stateOf({ phase: 'Promoting', since: NOW - 60_000 }),
    observation: observationOf({ primary: { ...ready, revision: 'v2', isReady: false } }),
    phase: 'Failed',
    reason: [
      'PromotionFailed',
      'the primary was not ready within 60 s; traffic stays on ready pods and web:2 (v2) keeps running',
    ],
    notes: ['PromotionFailed'],
    wakesIn: 0,
  },
  {
    name: 'between runs nothing happens',
    state: stateOf({ phase: 'Succeeded', lastPromotedSpec: 'v1', lastAppliedSpec: 'v1', run: undefined }),
    observation: observationOf({ route: gone, target: { ...ready, revision: 'v1' } }),
    phase: 'Succeeded',
    reason: ['WeightChanged', 'v2 gets 20% of the requests'],
  },
  {
    name: 'a new template starts a run: its record and its object are one decision',
    state: stateOf({ phase: 'Succeeded', lastPromotedSpec: 'v1', lastAppliedSpec: 'v1', run: undefined }),
    observation: observationOf({ route: gone, target: { ...ready, revision: 'v2', replicas: 0, isReady: false } }),
    phase: 'Progressing',
    actions: [
      { kind: 'scale-target', replicas: 2 },
      {
        kind: 'create-run',
        run: { name: 'web-1', revision: 'v2', images: ['web:2'], previousImages: ['web:1'], startedAt: NOW },
      },
    ],
    reason: ['NewRevision', 'new revision web:1 -> web:2 (v2)'],
    notes: ['NewRevision'],
    wakesIn: 0,
  },
  {
    name: 'a run whose start was interrupted is taken up under its name',
    state: stateOf({ phase: 'Succeeded', lastPromotedSpec: 'v1', lastAppliedSpec: 'v1', run: undefined }),
    observation: observationOf({ route: gone, runs: [{ name: 'web-7', revision: 'v2', isFresh: true }] }),
    phase: 'Progressing',
    actions: [
      {
        kind: 'create-run',
        run: { name: 'web-7', revision: 'v2', images: ['web:2'], previousImages: ['web:1'], startedAt: NOW },
      },
    ],
    reason: ['NewRevision', 'new revision web:1 -> web:2 (v2)'],
    notes: ['NewRevision'],
    wakesIn: 0,
  },
  {
    name: 'a primary that somebody deleted is not made again from what was never promoted',
    state: stateOf({ phase: 'Failed', run: undefined }),
    observation: observationOf({ route: gone, primary: undefined }),
    phase: 'Failed',
    reason: ['PrimaryMissing', 'Deployment web-primary is gone and v2 was never promoted: set the workload back to v1'],
    notes: ['PrimaryMissing'],
  },
  {
    name: 'a Canary that is being deleted is left alone',
    observation: observationOf({
      canary: buildCanary({ metadata: { deletionTimestamp: at(0) } }),
      answers: checked('passed'),
    }),
    phase: 'Progressing',
    reason: ['WeightChanged', 'v2 gets 20% of the requests'],
  },
]

function unprogrammed(state: ReleaseState): ReleaseState {
  const steps = state.run?.steps.map((step) => ({ ...step, programmedAt: undefined })) ?? []
  return { ...state, run: state.run && { ...state.run, steps } }
}

function endingOf(outcome: 'Failed' | 'Superseded') {
  return { outcome, cause: { reason: 'ThresholdReached', message: 'the numbers' }, since: NOW - 5_000 } as const
}

describe('one decision', () => {
  for (const row of rows) {
    test(row.name, () => {
      const observation = row.observation ?? observationOf()
      const { next, actions, reason, notes, wakeAt } = decide(row.state ?? stateOf(), observation)
      expect({
        phase: next.phase,
        actions,
        reason: [reason.reason, reason.message],
        notes: notes.map((note) => note.reason),
        wakesIn: wakeAt === undefined ? undefined : (wakeAt - NOW) / 1_000,
      }).toEqual({
        phase: row.phase,
        actions: row.actions ?? [],
        reason: row.reason,
        notes: row.notes ?? [],
        wakesIn: row.wakesIn,
      })
    })
  }
})

describe('questions', () => {
  test('a check is due one interval after the window began, over the window', () => {
    expect(questionsFor(stateOf(), observationOf())).toEqual([
      {
        kind: 'check',
        id: '2026-01-01T00:09:50.000Z',
        windowStart: NOW - 10_000,
        windowEnd: NOW,
        canaryShare: 0.2,
        memories: [],
      },
    ])
    expect(questionsFor(stateOf(), observationOf({ now: NOW - 1 }))).toEqual([])
  })

  test('nothing is asked of a revision that is none any more', () => {
    expect(questionsFor(stateOf(), observationOf({ target: { ...ready, revision: 'v3' } }))).toEqual([])
  })
})

describe('steps', () => {
  const weightsOf = (analysis: object) =>
    planSteps(buildCanary({ analysis }).spec.analysis).map(({ kind, traffic }) => [
      kind,
      traffic.canary,
      traffic.mirror,
    ])

  test.each([
    [
      'the last step reaches the largest weight and none exceeds it',
      { mirror: false, stepWeight: 20, maxWeight: 50 },
      [
        ['weight', 20, 0],
        ['weight', 40, 0],
        ['weight', 50, 0],
      ],
    ],
    [
      'a step as large as the whole is one step',
      { mirror: false, stepWeight: 100, maxWeight: undefined },
      [['weight', 100, 0]],
    ],
    [
      'explicit steps',
      { mirror: false, stepWeight: undefined, maxWeight: undefined, stepWeights: [1, 10, 80] },
      [
        ['weight', 1, 0],
        ['weight', 10, 0],
        ['weight', 80, 0],
      ],
    ],
    [
      'the mirrored step comes first',
      { mirrorWeight: 50, stepWeight: 50, maxWeight: 50 },
      [
        ['mirror', 0, 50],
        ['weight', 50, 0],
      ],
    ],
  ])('%s', (_, analysis, wanted) => {
    expect(weightsOf(analysis)).toEqual(wanted)
  })
})

describe('revisions', () => {
  const template = { metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } }

  test('the order of keys and a null do not count, everything else does', () => {
    const reordered = { spec: template.spec, metadata: { labels: { b: '2', a: '1' }, creationTimestamp: null } }
    expect(revisionOf(reordered)).toBe(revisionOf(template))
    const changed = { ...template, spec: { containers: [{ name: 'web', image: 'web:2' }] } }
    expect(revisionOf(changed)).not.toBe(revisionOf(template))
  })

  test('the hash stays what it is: another one would release everything again', () => {
    expect(revisionOf(template)).toMatchInlineSnapshot(`"v1-ca20e4162a308585"`)
  })
})

describe('status', () => {
  test('names and numbers of a running release', () => {
    const state = stateOf({}, { failedChecks: 1 })
    expect(renderStatus(state, observationOf(), { primary: 80, canary: 20, mirror: 0 })).toEqual({
      observedGeneration: 1,
      phase: 'Progressing',
      canaryWeight: 20,
      mirrorWeight: 0,
      failedChecks: 1,
      iterations: 0,
      lastAppliedSpec: 'v2',
      lastPromotedSpec: 'v1',
      lastTransitionTime: at(-120),
      version: 'web:2 (v2)',
      runName: 'web-1',
      message: 'v2 gets 20% of the requests',
      history: [],
      conditions: [
        ['Ready', 'False', 'WeightChanged'],
        ['Reconciling', 'True', 'WeightChanged'],
        ['Stalled', 'False', 'WeightChanged'],
        ['Promoted', 'Unknown', 'Progressing'],
      ].map(([type, status, reason]) => ({
        type,
        status,
        reason,
        message: 'v2 gets 20% of the requests',
        lastTransitionTime: at(0),
        observedGeneration: 1,
      })),
    })
  })
})
