import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { abortAnnotation, type MetricVerdict, promoteAnnotation } from '../../src/api/index.ts'
import { type Action, decide, type ReleaseState, type Traffic } from '../../src/canary/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import type { Workload } from '../support/modelled-workload.ts'
import { initializedWorld, type ReleaseWorld } from '../support/release-world.ts'

type Step =
  | { readonly kind: 'pass' }
  | { readonly kind: 'crash'; readonly after: number }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'roll-out' }
  | { readonly kind: 'lose-pods'; readonly side: 'target' | 'primary' }
  | { readonly kind: 'verdict'; readonly state: MetricVerdict['state']; readonly decision: MetricVerdict['decision'] }
  | { readonly kind: 'gate'; readonly type: string; readonly isOpen: boolean }
  | { readonly kind: 'release'; readonly revision: string }
  | { readonly kind: 'command'; readonly annotation: string; readonly revision: string }
  | { readonly kind: 'edit-route'; readonly weight: number }
  | { readonly kind: 'suspend'; readonly suspend: boolean }

const revision = fc.constantFrom('v1', 'v2', 'v3', 'v4')
const state = fc.constantFrom<MetricVerdict['state']>(
  'passed',
  'failed',
  'inconclusive',
  'no-data',
  'query-error',
  'provider-down',
)
const decision = fc.constantFrom<MetricVerdict['decision']>(undefined, 'pass', 'fail', 'rollback', 'hold')

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Step>({ kind: 'pass' }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 15 }) }) },
  { weight: 6, arbitrary: fc.constant<Step>({ kind: 'acknowledge' }) },
  { weight: 6, arbitrary: fc.constant<Step>({ kind: 'roll-out' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('verdict' as const), state, decision }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), revision }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), after: fc.integer({ min: 0, max: 4 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('gate' as const),
      type: fc.constantFrom('confirm-rollout', 'confirm-traffic-increase', 'confirm-promotion', 'rollback'),
      isOpen: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lose-pods' as const),
      side: fc.constantFrom('target' as const, 'primary' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('command' as const),
      annotation: fc.constantFrom(promoteAnnotation, abortAnnotation),
      revision,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('edit-route' as const), weight: fc.integer({ min: 0, max: 100 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('suspend' as const), suspend: fc.boolean() }) },
)

function play(world: ReleaseWorld, each: Step): void {
  switch (each.kind) {
    case 'pass':
      world.pass()
      break
    case 'crash':
      world.pass(each.after)
      break
    case 'wait':
      world.now += each.seconds * 1_000
      break
    case 'acknowledge':
      world.acknowledge()
      break
    case 'roll-out':
      world.rollOutAll()
      break
    case 'lose-pods':
      world.losePods(each.side)
      break
    case 'verdict':
      Object.assign(world, { verdict: each.state, decision: each.decision })
      break
    case 'gate':
      world.gates = { ...world.gates, [each.type]: each.isOpen }
      break
    case 'release':
      world.release(each.revision)
      break
    case 'command':
      world.annotate(each.annotation, each.revision)
      break
    case 'edit-route':
      world.route = { traffic: { primary: 100 - each.weight, canary: each.weight, mirror: 0 }, isProgrammed: true }
      break
    case 'suspend':
      world.canary = { ...world.canary, spec: { ...world.canary.spec, suspend: each.suspend } }
      break
    default:
      each satisfies never
  }
}

/** The world answers and an interval goes by: without it few sequences would come far. */
const answer: readonly Step[] = [{ kind: 'pass' }, { kind: 'acknowledge' }, { kind: 'roll-out' }]
const interval: readonly Step[] = [...answer, ...answer, ...answer, { kind: 'wait', seconds: 10 }, { kind: 'pass' }]

const story = (maxLength: number): fc.Arbitrary<readonly Step[]> =>
  fc
    .array(
      fc.oneof({ weight: 2, arbitrary: step.map((each) => [each]) }, { weight: 1, arbitrary: fc.constant(interval) }),
      {
        maxLength,
      },
    )
    .map((parts) => parts.flat())

const webhooks = [
  { name: 'start', type: 'confirm-rollout', url: 'http://gate/' },
  { name: 'more', type: 'confirm-traffic-increase', url: 'http://gate/' },
  { name: 'end', type: 'confirm-promotion', url: 'http://gate/' },
  { name: 'undo', type: 'rollback', url: 'http://gate/' },
  { name: 'after', type: 'post-rollout', url: 'http://gate/' },
]

const analysisOf = fc.record({
  mirror: fc.boolean(),
  stepWeights: fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 }),
  threshold: fc.integer({ min: 1, max: 3 }),
  hasGates: fc.boolean(),
  failurePolicy: fc.constantFrom('rollback', 'rollback', 'hold', 'freeze'),
  strategy: fc.constantFrom('weights', 'weights', 'match', 'iterations'),
  stepWeightPromotion: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
})

type Analysis = typeof analysisOf extends fc.Arbitrary<infer T> ? T : never

function worldOf(analysis: Analysis): ReleaseWorld {
  const { mirror, threshold, hasGates, failurePolicy } = analysis
  const steps = { stepWeight: undefined, maxWeight: undefined, ...strategyOf(analysis) }
  return initializedWorld(
    buildCanary({
      analysis: { mirror, ...steps, threshold, webhooks: hasGates ? webhooks : [] },
      spec: { failurePolicy },
    }),
  )
}

function strategyOf({ strategy, stepWeights, stepWeightPromotion }: Analysis): object {
  if (strategy === 'match') return { iterations: 2, match: [{ headers: { 'x-user': { exact: 'beta' } } }] }
  if (strategy === 'iterations') return { iterations: 2, stepWeightPromotion }
  return { stepWeights: [...stepWeights].sort((left, right) => left - right), stepWeightPromotion }
}

const largestWeight = ({ strategy, stepWeights }: Analysis): number =>
  strategy === 'weights' ? Math.max(...stepWeights) : 100

const runs = { numRuns: 400 }

interface Played {
  readonly analysis: Analysis
  readonly recorded: ReleaseState
  readonly route: ReleaseWorld['route']
  readonly verdict: MetricVerdict['state']
  readonly decision: MetricVerdict['decision']
  readonly performed: readonly Action[]
  readonly world: ReleaseWorld
}

/** Checks every single step of many stories against the world before it. */
function afterEveryStep(check: (played: Played) => void): void {
  fc.assert(
    fc.property(analysisOf, story(60), (analysis, steps) => {
      const world = worldOf(analysis)
      for (const each of steps) {
        const { state: recorded, route, verdict, decision, performed } = world
        const before = performed.length
        play(world, each)
        check({ analysis, recorded, route: { ...route }, verdict, decision, performed: performed.slice(before), world })
      }
    }),
    runs,
  )
}

function afterStory(check: (world: ReleaseWorld) => void, numRuns = runs.numRuns): void {
  fc.assert(
    fc.property(analysisOf, story(50), (analysis, steps) => {
      const world = worldOf(analysis)
      for (const each of steps) play(world, each)
      check(world)
    }),
    { numRuns },
  )
}

/** What lets a step pass: a verdict that did, or a policy that says so. */
const passes = (verdict: Pick<MetricVerdict, 'state' | 'decision'> | undefined): boolean =>
  (verdict?.decision ?? (verdict?.state === 'passed' ? 'pass' : 'other')) === 'pass'

const writtenTraffic = (performed: readonly Action[]): Traffic | undefined =>
  performed.find((action) => action.kind === 'route')?.traffic

const isUp = (each: Workload | undefined): boolean => (each?.readyReplicas ?? 0) > 0

const leftSteps = (world: ReleaseWorld) =>
  [...world.runs.values()].flatMap(
    (run) => run.status?.steps.slice(0, -1).filter(({ kind }) => kind !== 'promotion') ?? [],
  )

const stepsOf = ({ run }: ReleaseState) => run?.steps ?? []

const isFromPromotionOn = ({ state: { phase, run } }: ReleaseWorld): boolean =>
  phase === 'Promoting' || phase === 'Finalising' || run?.progress.heldAt !== undefined

/** Nothing but a command, or another revision, ends it. */
function abortIfFrozen(world: ReleaseWorld): void {
  if (world.state.run?.outcome !== 'Running' || world.state.run.progress.frozenAt === undefined) return
  world.annotate(abortAnnotation, world.state.run.revision)
  world.run(1_000)
}

describe('over every sequence of observations', () => {
  test('weights are integers that sum to 100, and never exceed the last step', () => {
    afterEveryStep(({ analysis, performed, world }) => {
      const traffic = writtenTraffic(performed)
      if (traffic === undefined) return
      const { primary, canary, mirror } = traffic
      expect([primary, canary, mirror].every((share) => Number.isInteger(share) && share >= 0)).toBe(true)
      expect(primary + canary).toBe(100)
      // With no ready pod in the primary, the whole of the traffic belongs to the side that has some.
      if (canary > largestWeight(analysis)) expect([canary, world.primary?.readyReplicas]).toEqual([100, 0])
    })
  })

  test('before promotion the weight rises only for a step that is on record then, opened by a pass on a programmed route', () => {
    afterEveryStep(({ recorded, route, performed, world }) => {
      const weight = writtenTraffic(performed)?.canary ?? 0
      const isRaised = weight > (route.traffic?.canary ?? 0)
      if (!isRaised || isFromPromotionOn(world) || recorded.run?.progress.recovering) return
      const [step, former] = stepsOf(world.state).toReversed()
      expect([step?.outcome, step?.weight, step?.programmedAt]).toEqual(['running', weight, undefined])
      if (former) expect([former.outcome, passes(former.verdicts.at(-1))]).toEqual(['passed', true])
    })
  })

  test('a step is opened in the pass that measured a pass on a programmed route, with every pod ready', () => {
    afterEveryStep(({ analysis, recorded, route, verdict, decision, world }) => {
      const [before, after] = [stepsOf(recorded), stepsOf(world.state)]
      const opened = after.at(-1)
      if (before.length === 0 || after.length !== before.length + 1 || opened?.kind === 'promotion') return
      // A gate may hold the next step after the check that let it.
      const isConfirmed = analysis.hasGates && recorded.run?.progress.lastCheck === 'passed'
      expect([passes({ state: verdict, decision }) || isConfirmed, route.isProgrammed]).toEqual([true, true])
      expect(['Progressing', ...(isConfirmed ? ['WaitingPromotion'] : [])]).toContain(recorded.phase)
    })
  })

  test('a window begins only after the proxies had the weight', () => {
    afterEveryStep(({ recorded, route, world }) => {
      const [former, current] = [stepsOf(recorded), stepsOf(world.state)]
      const isMarked = current.at(-1)?.programmedAt !== undefined && former.at(-1)?.programmedAt === undefined
      if (isMarked && former.length === current.length) expect(route.isProgrammed).toBe(true)
    })
  })

  test('a frozen run opens no step, and nothing but a command promotes it', () => {
    afterEveryStep(({ recorded, world }) => {
      const { run } = world.state
      if (recorded.run?.progress.frozenAt === undefined || run?.name !== recorded.run.name) return
      const isLetGo = run.progress.command === 'promote' || run.progress.recovering === true
      if (!isLetGo) expect(['Progressing', 'WaitingPromotion', 'Failed']).toContain(world.state.phase)
      if (!isLetGo) expect(stepsOf(world.state).length).toBe(stepsOf(recorded).length)
    })
  })

  test('the primary changes in promotion only, and promotion was on record before', () => {
    afterEveryStep(({ recorded, performed }) => {
      if (performed.some(({ kind }) => kind === 'update-primary')) expect(recorded.phase).toBe('Promoting')
    })
  })

  test('once a promotion has begun no traffic goes to a side without ready pods while the other has some', () => {
    afterEveryStep(({ performed, world }) => {
      const traffic = writtenTraffic(performed)
      if (traffic === undefined || !isFromPromotionOn(world)) return
      const [primaryUp, canaryUp] = [isUp(world.primary), isUp(world.target)]
      if (canaryUp && !primaryUp) expect(traffic.primary).toBe(0)
      if (primaryUp && !canaryUp) expect(traffic.canary).toBe(0)
    })
  })

  test('pods are taken away only after every proxy knew that no request goes to them', () => {
    afterEveryStep(({ performed, route }) => {
      if (!performed.some((action) => action.kind === 'scale-target' && action.replicas === 0)) return
      expect(route).toEqual({ traffic: { primary: 100, canary: 0, mirror: 0 }, isProgrammed: true })
    })
  })

  test('no step is passed without a verdict that did', () => {
    afterStory((world) => {
      for (const { outcome, verdicts, programmedAt } of leftSteps(world)) {
        expect([outcome, passes(verdicts.at(-1)), programmedAt !== undefined]).toEqual(['passed', true, true])
      }
    })
  })

  test('what a metric remembers is what is on record: no check is counted twice, whatever crashed between', () => {
    afterStory((world) => {
      for (const { status } of world.runs.values()) {
        const checks = (status?.steps ?? []).reduce((total, { verdicts }) => total + verdicts.length, 0)
        expect(status?.progress?.metrics?.[0]?.failedChecks ?? 0).toBe(checks)
      }
    })
  })

  test('every run ends when the world answers; failure before promotion ends at weight 0 with the old primary', () => {
    afterStory((world) => {
      play(world, { kind: 'suspend', suspend: false })
      world.gates = {}
      // Doubt without a policy waits for somebody to decide.
      if (world.decision === undefined && world.verdict === 'inconclusive') world.verdict = 'passed'
      if (world.decision === 'hold') world.decision = 'pass'
      world.run(1_000)
      abortIfFrozen(world)
      const { phase, run, lastPromotedSpec } = world.state
      expect(run?.outcome).not.toBe('Running')
      expect(['Initialized', 'Succeeded', 'Failed']).toContain(phase)
      expect(world.route.traffic).toEqual({ primary: 100, canary: 0, mirror: 0 })
      expect(world.primary?.revision).toBe(phase === 'Failed' ? lastPromotedSpec : world.target?.revision)
    })
  })

  test('performing a decision again, and deciding again, changes nothing', () => {
    afterStory((world) => {
      const decision = world.pass()
      const before = world.snapshot()
      for (const action of decision.actions) world.perform(action)
      expect(world.snapshot()).toBe(before)
      for (let count = 0; count < 10; count++) world.pass()
      const settled = world.snapshot()
      expect(world.pass().actions).toEqual([])
      expect(world.snapshot()).toBe(settled)
    })
  })

  test('deciding is a function: the same state and observation give the same decision', () => {
    afterStory((world) => {
      const [recorded, observation] = [world.state, world.observe()]
      expect(decide(recorded, observation)).toEqual(decide(recorded, observation))
    }, 100)
  })
})
