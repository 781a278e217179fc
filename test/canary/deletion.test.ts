import { describe, expect, test } from 'vitest'
import type { DeletionFacts, Observation } from '../../src/canary/index.ts'
import { decide, questionsFor, type ReleaseState, renderStatus } from '../../src/canary/index.ts'
import { emptyProgress } from '../../src/canary/state.ts'
import { buildCanary } from '../support/canary-objects.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')
const ready = { images: ['web:1'], replicas: 2, readyReplicas: 2, isReady: true, revision: 'v1' }
const scaledDown = { ...ready, replicas: 0, readyReplicas: 0, isReady: false }
const starting = { ...ready, readyReplicas: 1, isReady: false }
const deleted = (spec: object = {}) =>
  buildCanary({ spec, metadata: { deletionTimestamp: new Date(NOW - 1_000).toISOString() } })

const taken: DeletionFacts = {
  isNamespaceGoing: false,
  apex: 'held',
  pods: { all: 2, ready: 2 },
  areEndpointsReady: true,
  areEndpointsMoved: false,
  route: 'held',
}
/** Scaled down for so long that no pod is left. */
const podless: DeletionFacts = { ...taken, pods: { all: 0, ready: 0 } }
const unready: DeletionFacts = { ...taken, areEndpointsReady: false }
const moved: DeletionFacts = { ...taken, apex: 'released', areEndpointsMoved: true }
const releasedRoute: DeletionFacts = { ...moved, route: 'released' }
const served = (canary: number): Observation['route'] => ({
  traffic: { primary: 100 - canary, canary, mirror: 0 },
  isCurrent: true,
  isProgrammed: true,
})
const unserved = (canary: number, message?: string) => ({ ...served(canary), isProgrammed: false, message })
const toApex = (isProgrammed: boolean) => ({ traffic: undefined, isCurrent: false, isProgrammed })
const allToWorkload = { kind: 'route', traffic: { primary: 0, canary: 100, mirror: 0 } } as const

const observationOf = (overrides: Partial<Observation> = {}): Observation => ({
  now: NOW,
  canary: deleted(),
  target: ready,
  primary: ready,
  services: { areBackendsReady: true, isApexReady: true },
  route: served(0),
  runs: [],
  answers: {},
  deletion: taken,
  ...overrides,
})

/** A promoted version that serves, and nothing going on. */
const quiet: ReleaseState = {
  phase: 'Succeeded',
  since: NOW - 600_000,
  cause: { reason: 'Succeeded', message: 'v1 is promoted' },
  lastAppliedSpec: 'v1',
  lastPromotedSpec: 'v1',
  history: [],
}

const terminating = (seconds = 10, message = 'moving traffic to Deployment web'): ReleaseState => ({
  ...quiet,
  phase: 'Terminating',
  since: NOW - seconds * 1_000,
  cause: { reason: 'Terminating', message },
})

const late: ReleaseState = terminating(60, 'waiting for Deployment web: 1 of 2 pods are ready')

interface Row {
  readonly name: string
  readonly state: ReleaseState
  readonly observation: Observation
  readonly actions: readonly object[]
  readonly message: string
  readonly reason?: string
  readonly stalled?: boolean
  readonly notes?: readonly (readonly [string, string])[]
  /** Milliseconds from now. */
  readonly wakeIn?: number
}

const serves = 'Deployment web serves by itself'
const moving = 'moving traffic to Deployment web'

const rows: readonly Row[] = [
  {
    name: 'first the workload gets as many pods as the primary has',
    state: quiet,
    observation: observationOf({ target: scaledDown, deletion: podless }),
    actions: [{ kind: 'scale-target', replicas: 2 }],
    message: 'waiting for Deployment web: 0 of 2 pods are ready',
    notes: [['info', 'Deployment web gets its traffic back']],
    wakeIn: 60_000,
  },
  {
    name: 'pods that nobody told to go yet go first: they would pass for the new ones',
    state: quiet,
    observation: observationOf({ target: scaledDown }),
    actions: [],
    message: 'waiting for Deployment web: 0 of 2 pods are ready',
    notes: [['info', 'Deployment web gets its traffic back']],
    wakeIn: 250,
  },
  {
    name: 'but are waited for no longer than until the deadline',
    state: terminating(60),
    observation: observationOf({ target: scaledDown }),
    actions: [{ kind: 'scale-target', replicas: 2 }],
    reason: 'ProgressDeadlineExceeded',
    message:
      'Deployment web was not ready within 1m (0 of 2 pods are ready): what serves now stays until it is, or until it is deleted',
    stalled: true,
    notes: [
      [
        'warn',
        'Deployment web was not ready within 1m (0 of 2 pods are ready): what serves now stays until it is, or until it is deleted',
      ],
    ],
  },
  {
    name: 'a workload with fewer pods than the primary is scaled up too',
    state: quiet,
    observation: observationOf({ primary: { ...ready, replicas: 5 } }),
    actions: [{ kind: 'scale-target', replicas: 5 }],
    message: 'waiting for Deployment web: 2 of 5 pods are ready',
    notes: [['info', 'Deployment web gets its traffic back']],
    wakeIn: 60_000,
  },
  {
    name: 'but only once: what others scale down afterwards stays so',
    state: terminating(),
    observation: observationOf({ primary: { ...ready, replicas: 5 } }),
    actions: [allToWorkload],
    message: moving,
    wakeIn: 50_000,
  },
  {
    name: 'a primary without replicas gives one',
    state: quiet,
    observation: observationOf({ target: scaledDown, primary: scaledDown, deletion: podless }),
    actions: [{ kind: 'scale-target', replicas: 1 }],
    message: 'waiting for Deployment web: 0 of 1 pods are ready',
    notes: [['info', 'Deployment web gets its traffic back']],
    wakeIn: 60_000,
  },
  {
    name: 'a template that was not promoted serves as it is, and people are told',
    state: quiet,
    observation: observationOf({
      target: { ...scaledDown, revision: 'v2', images: ['web:2'] },
      deletion: podless,
    }),
    actions: [{ kind: 'scale-target', replicas: 2 }],
    message: 'waiting for Deployment web: 0 of 2 pods are ready',
    notes: [
      [
        'warn!',
        'Deployment web gets its traffic back with web:2 (v2), which was not promoted: the primary runs web:1 (v1)',
      ],
    ],
    wakeIn: 60_000,
  },
  {
    name: 'nothing moves before every pod is ready',
    state: terminating(),
    observation: observationOf({ target: starting }),
    actions: [],
    message: 'waiting for Deployment web: 1 of 2 pods are ready',
    wakeIn: 50_000,
  },
  {
    name: 'nor while its status counts pods that are leaving',
    state: terminating(),
    observation: observationOf({ deletion: { ...taken, pods: { all: 2, ready: 1 } } }),
    actions: [],
    message: 'waiting for Deployment web: 1 of 2 pods are ready',
    wakeIn: 250,
  },
  {
    name: 'past the deadline it says so and goes on waiting',
    state: late,
    observation: observationOf({ target: starting }),
    actions: [],
    reason: 'ProgressDeadlineExceeded',
    message:
      'Deployment web was not ready within 1m (1 of 2 pods are ready): what serves now stays until it is, or until it is deleted',
    stalled: true,
    notes: [
      [
        'warn',
        'Deployment web was not ready within 1m (1 of 2 pods are ready): what serves now stays until it is, or until it is deleted',
      ],
    ],
  },
  {
    name: 'then the route leads to its pods',
    state: terminating(),
    observation: observationOf(),
    actions: [allToWorkload],
    message: moving,
    wakeIn: 50_000,
  },
  {
    name: 'as soon as they are endpoints',
    state: terminating(),
    observation: observationOf({ deletion: unready }),
    actions: [],
    message: moving,
    wakeIn: 250,
  },
  {
    name: 'pods that never become endpoints are told of',
    state: terminating(60),
    observation: observationOf({ deletion: unready }),
    actions: [],
    reason: 'ProgressDeadlineExceeded',
    message: 'no Service led to ready pods of Deployment web within 1m: what serves now stays until one does',
    stalled: true,
    notes: [['warn', 'no Service led to ready pods of Deployment web within 1m: what serves now stays until one does']],
    wakeIn: 250,
  },
  {
    name: 'through Services that are there',
    state: terminating(),
    observation: observationOf({ services: { areBackendsReady: false, isApexReady: true } }),
    actions: [{ kind: 'apply-services', withApex: false }],
    message: moving,
    wakeIn: 50_000,
  },
  {
    name: 'the apex Service stays while proxies lag',
    state: terminating(),
    observation: observationOf({ route: unserved(100) }),
    actions: [],
    message: moving,
    wakeIn: 50_000,
  },
  {
    name: 'proxies that lag too long are named',
    state: terminating(60),
    observation: observationOf({ route: unserved(100, '2 of 9 proxies lag') }),
    actions: [],
    reason: 'ProxiesLagging',
    message: 'proxies did not take the route within 1m: 2 of 9 proxies lag',
    stalled: true,
    notes: [['warn', 'proxies did not take the route within 1m: 2 of 9 proxies lag']],
  },
  {
    name: 'the apex Service follows the acknowledged route',
    state: terminating(),
    observation: observationOf({ route: served(100) }),
    actions: [{ kind: 'release-apex' }],
    message: moving,
    wakeIn: 50_000,
  },
  {
    name: 'but not to pods that are no endpoints any more',
    state: terminating(),
    observation: observationOf({ route: served(100), deletion: unready }),
    actions: [],
    message: moving,
    wakeIn: 250,
  },
  {
    name: 'where no route leads there, the Service that tells of them is mended',
    state: terminating(),
    observation: observationOf({
      route: toApex(false),
      services: { areBackendsReady: false, isApexReady: true },
      deletion: { ...unready, route: 'none' },
    }),
    actions: [{ kind: 'apply-services', withApex: false }],
    message: moving,
    wakeIn: 250,
  },
  {
    name: 'endpoints that still name the primary are looked at again',
    state: terminating(),
    observation: observationOf({ route: served(100), deletion: { ...moved, areEndpointsMoved: false } }),
    actions: [],
    message: moving,
    wakeIn: 250,
  },
  {
    name: 'then the route leads to the apex Service',
    state: terminating(),
    observation: observationOf({ route: served(100), deletion: moved }),
    actions: [{ kind: 'release-route' }],
    message: moving,
    wakeIn: 50_000,
  },
  {
    name: 'and is waited for once more',
    state: terminating(),
    observation: observationOf({ route: toApex(false), deletion: releasedRoute }),
    actions: [],
    message: moving,
    wakeIn: 50_000,
  },
  {
    name: 'only then it goes',
    state: terminating(),
    observation: observationOf({ route: toApex(true), deletion: releasedRoute }),
    actions: [{ kind: 'hand-over' }, { kind: 'remove-finalizer' }],
    message: serves,
    notes: [['info', serves]],
  },
  {
    name: 'and when people were told what its runs owe them',
    state: terminating(),
    observation: observationOf({ route: toApex(true), deletion: { ...releasedRoute, isAlertDue: true } }),
    actions: [],
    message: `${serves}; its alerts are being delivered`,
    wakeIn: 50_000,
  },
  {
    name: 'for which it does not wait past the deadline',
    state: terminating(60),
    observation: observationOf({ route: toApex(true), deletion: { ...releasedRoute, isAlertDue: true } }),
    actions: [{ kind: 'hand-over' }, { kind: 'remove-finalizer' }],
    message: serves,
    notes: [['info', serves]],
  },
  {
    name: 'a route and a Service that are gone or somebody else’s are not waited for',
    state: terminating(),
    observation: observationOf({
      route: { ...toApex(false) },
      deletion: { ...taken, apex: 'none', areEndpointsMoved: true, route: 'none' },
    }),
    actions: [{ kind: 'hand-over' }, { kind: 'remove-finalizer' }],
    message: serves,
    notes: [['info', serves]],
  },
  {
    name: 'a workload that loses its pods on the way gives its users back to the primary',
    state: terminating(),
    observation: observationOf({
      target: { ...starting, readyReplicas: 0 },
      route: served(100),
      deletion: { ...moved, pods: { all: 2, ready: 0 } },
    }),
    actions: [
      { kind: 'apply-services', withApex: true },
      { kind: 'route', traffic: { primary: 100, canary: 0, mirror: 0 } },
    ],
    message: 'waiting for Deployment web: 0 of 2 pods are ready',
    wakeIn: 50_000,
  },
  {
    name: 'one whose status has not counted its ready pods yet keeps its users',
    state: terminating(),
    observation: observationOf({ target: { ...starting, readyReplicas: 0 }, route: served(100), deletion: moved }),
    actions: [],
    message: 'waiting for Deployment web: 0 of 2 pods are ready',
    wakeIn: 50_000,
  },
  {
    name: 'users stay where they are when neither side has pods',
    state: terminating(),
    observation: observationOf({ target: scaledDown, primary: scaledDown, route: served(100), deletion: podless }),
    actions: [{ kind: 'scale-target', replicas: 1 }],
    message: 'waiting for Deployment web: 0 of 1 pods are ready',
    wakeIn: 50_000,
  },
  {
    name: 'one whose workload is gone goes at once',
    state: quiet,
    observation: observationOf({ target: undefined }),
    actions: [{ kind: 'hand-over' }, { kind: 'remove-finalizer' }],
    message: 'Deployment web is gone: nothing is given back',
    notes: [['info', 'Deployment web is gone: nothing is given back']],
  },
  {
    name: 'one that shall give nothing back goes at once',
    state: quiet,
    observation: observationOf({ canary: deleted({ revertOnDeletion: false }), target: scaledDown }),
    actions: [{ kind: 'hand-over' }, { kind: 'remove-finalizer' }],
    message: 'spec.revertOnDeletion is false: nothing is given back',
    notes: [['info', 'spec.revertOnDeletion is false: nothing is given back']],
  },
  {
    name: 'one whose namespace goes too goes at once',
    state: quiet,
    observation: observationOf({
      target: scaledDown,
      deletion: { ...taken, isNamespaceGoing: true, isAlertDue: true },
    }),
    actions: [{ kind: 'remove-finalizer' }],
    message: 'the namespace is being deleted',
    notes: [['info', 'the namespace is being deleted']],
  },
  {
    name: 'one whose workload another Canary releases goes at once',
    state: quiet,
    observation: observationOf({ refusal: { reason: 'TargetClaimed', message: 'Canary old releases Deployment web' } }),
    actions: [{ kind: 'hand-over' }, { kind: 'remove-finalizer' }],
    message: 'Canary old releases Deployment web',
    notes: [['info', 'Canary old releases Deployment web']],
  },
  {
    name: 'one that never took anything goes at once, ready or not',
    state: { ...quiet, phase: 'Initializing' },
    observation: observationOf({
      target: starting,
      deletion: { ...taken, apex: 'none', areEndpointsMoved: true, route: 'none' },
    }),
    actions: [{ kind: 'hand-over' }, { kind: 'remove-finalizer' }],
    message: 'Deployment web was never taken over',
    notes: [['info', 'Deployment web was never taken over']],
  },
  {
    name: 'no other refusal holds it: what is somebody else’s is left alone',
    state: quiet,
    observation: observationOf({
      target: scaledDown,
      deletion: podless,
      refusal: { reason: 'TemplateNotFound', message: 'metric m names a MetricTemplate that does not exist' },
    }),
    actions: [{ kind: 'scale-target', replicas: 2 }],
    message: 'waiting for Deployment web: 0 of 2 pods are ready',
    notes: [['info', 'Deployment web gets its traffic back']],
    wakeIn: 60_000,
  },
  {
    name: 'suspension does not hold it',
    state: { ...quiet, suspendedAt: NOW - 5_000 },
    observation: observationOf({ canary: deleted({ suspend: true }), target: scaledDown, deletion: podless }),
    actions: [{ kind: 'scale-target', replicas: 2 }],
    message: 'waiting for Deployment web: 0 of 2 pods are ready',
    notes: [['info', 'Deployment web gets its traffic back']],
    wakeIn: 60_000,
  },
]

describe('a Canary that is being deleted', () => {
  test.each(rows)('$name', ({ state, observation, stalled = false, notes = [], ...row }) => {
    const { next, actions, reason, notes: told, wakeAt } = decide(state, observation)
    const cause = { reason: row.reason ?? 'Terminating', message: row.message }
    expect({ next, actions, reason, wakeAt }).toEqual({
      next: {
        ...quiet,
        phase: 'Terminating',
        since: state.phase === 'Terminating' ? state.since : NOW,
        cause,
        stalled: stalled ? cause : undefined,
        suspendedAt: undefined,
      },
      actions: row.actions,
      reason: cause,
      wakeAt: row.wakeIn === undefined ? undefined : NOW + row.wakeIn,
    })
    expect(told.map(({ severity, isAlert, message }) => [`${severity}${isAlert ? '!' : ''}`, message])).toEqual(notes)
  })

  test('what was said is not said again', () => {
    const observation = observationOf({ target: starting })
    const { next } = decide(late, observation)
    expect(decide(next, observation)).toEqual({
      next,
      actions: [],
      reason: next.cause,
      notes: [],
      wakeAt: undefined,
    })
  })

  test('one that Sluice does not hold is left alone', () => {
    expect(decide(quiet, observationOf({ deletion: undefined }))).toEqual({
      next: quiet,
      actions: [],
      reason: quiet.cause,
      notes: [],
    })
  })

  test('asks neither analysis nor webhooks any more', () => {
    const run = { name: 'web-1', revision: 'v1', images: ['web:1'], startedAt: NOW, steps: [] } as const
    const progress = { ...emptyProgress, readyAt: NOW, preparedAt: NOW, checkedAt: NOW - 60_000 }
    const state: ReleaseState = {
      ...quiet,
      phase: 'Progressing',
      run: { ...run, outcome: 'Running', cause: quiet.cause, progress },
    }
    const alive = observationOf({ canary: buildCanary() })
    expect(questionsFor(state, alive).map(({ kind }) => kind)).toEqual(['check'])
    expect(questionsFor(state, observationOf())).toEqual([])
  })

  test('its status is neither ready nor promoted while it works, and stalled when it can not', () => {
    const conditions = (state: ReleaseState) =>
      renderStatus(state, observationOf(), undefined).conditions?.map(({ type, status }) => `${type} ${status}`)
    expect(conditions(terminating())).toEqual(['Ready False', 'Reconciling True', 'Stalled False', 'Promoted Unknown'])
    const { next } = decide(late, observationOf({ target: starting }))
    expect(conditions(next)).toEqual(['Ready False', 'Reconciling False', 'Stalled True', 'Promoted Unknown'])
  })
})
