import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { abortAnnotation, type MetricVerdict, promoteAnnotation } from '../../src/api/index.ts'
import { decide } from '../../src/canary/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { initializedWorld, type ReleaseWorld } from '../support/release-world.ts'

type Step =
  | { readonly kind: 'pass' }
  | { readonly kind: 'crash'; readonly after: number }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'roll-out' }
  | { readonly kind: 'lose-pods'; readonly side: 'target' | 'primary' }
  | { readonly kind: 'verdict'; readonly state: MetricVerdict['state'] }
  | { readonly kind: 'gate'; readonly isOpen: boolean }
  | { readonly kind: 'release'; readonly revision: string }
  | { readonly kind: 'command'; readonly annotation: string; readonly revision: string }
  | { readonly kind: 'edit-route'; readonly weight: number }
  | { readonly kind: 'suspend'; readonly suspend: boolean }

const revision = fc.constantFrom('v1', 'v2', 'v3', 'v4')
const state = fc.constantFrom<MetricVerdict['state']>('passed', 'failed', 'no-data', 'query-error', 'provider-down')

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Step>({ kind: 'pass' }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 15 }) }) },
  { weight: 6, arbitrary: fc.constant<Step>({ kind: 'acknowledge' }) },
  { weight: 6, arbitrary: fc.constant<Step>({ kind: 'roll-out' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('verdict' as const), state }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), revision }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), after: fc.integer({ min: 0, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gate' as const), isOpen: fc.boolean() }) },
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
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('edit-route' as const), weight: fc.integer({ min: 0, max: 100 }) }) },
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
      world.route.isProgrammed = world.route.traffic !== undefined
      break
    case 'roll-out':
      world.rollOutAll()
      break
    case 'lose-pods':
      world.losePods(each.side)
      break
    case 'verdict':
      world.verdict = each.state
      break
    case 'gate':
      world.gates = { 'confirm-rollout': each.isOpen, 'confirm-promotion': each.isOpen }
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

const webhooks = [
  { name: 'start', type: 'confirm-rollout', url: 'http://gate/' },
  { name: 'end', type: 'confirm-promotion', url: 'http://gate/' },
]

const analysisOf = fc.record({
  mirror: fc.boolean(),
  stepWeights: fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 }),
  threshold: fc.integer({ min: 1, max: 3 }),
  hasGates: fc.boolean(),
})

function worldOf(analysis: typeof analysisOf extends fc.Arbitrary<infer T> ? T : never): ReleaseWorld {
  const { mirror, threshold, hasGates } = analysis
  const stepWeights = [...analysis.stepWeights].sort((left, right) => left - right)
  const steps = { stepWeight: undefined, maxWeight: undefined, stepWeights }
  return initializedWorld(buildCanary({ analysis: { mirror, ...steps, threshold, webhooks: hasGates ? webhooks : [] } }))
}

const runs = { numRuns: 400 }

describe('over every sequence of observations', () => {
  test('weights are integers that sum to 100, and never exceed the last step', () => {
    fc.assert(
      fc.property(analysisOf, fc.array(step, { maxLength: 80 }), (analysis, steps) => {
        const world = worldOf(analysis)
        const largest = Math.max(...analysis.stepWeights)
        for (const each of steps) {
          const before = world.performed.length
          play(world, each)
          for (const action of world.performed.slice(before)) {
            if (action.kind !== 'route') continue
            const { primary, canary: weight, mirror } = action.traffic
            expect([primary, weight, mirror].every((share) => Number.isInteger(share) && share >= 0)).toBe(true)
            expect(primary + weight).toBe(100)
            // With no ready pod in the primary, the whole of the traffic belongs to the side that has some.
            if (weight > largest) expect([weight, world.primary?.readyReplicas]).toEqual([100, 0])
          }
        }
      }),
      runs,
    )
  })

  test('before promotion the weight rises only after a fresh pass, and only from a programmed route', () => {
    fc.assert(
      fc.property(analysisOf, fc.array(step, { maxLength: 80 }), (analysis, steps) => {
        const world = worldOf(analysis)
        for (const each of steps) {
          const { state: recorded, route, verdict } = world
          const before = world.weights.length
          play(world, each)
          const raised = world.weights.slice(before).some((weight) => weight > (route.traffic?.canary ?? 0))
          if (!raised || isFromPromotionOn(world) || recorded.run?.progress.recovering) continue
          const isFirstStep = recorded.run?.progress.stepIndex === -1 || recorded.phase !== 'Progressing'
          const wasWritten = !route.isProgrammed && recorded.run?.steps.at(-1)?.programmedAt === undefined
          const isFirstWeight = isFirstStep && recorded.run?.outcome === 'Running'
          if (isFirstWeight) continue
          // A pass that crashed before its record wrote the same weight before.
          expect([verdict === 'passed' || wasWritten, recorded.phase]).toEqual([true, 'Progressing'])
          if (recorded.run?.steps.at(-1)?.programmedAt !== undefined) expect(route.isProgrammed).toBe(true)
        }
      }),
      runs,
    )
  })

  test('no verdict but a pass ever opens a step, and no step is opened without one', () => {
    fc.assert(
      fc.property(analysisOf, fc.array(step, { maxLength: 80 }), (analysis, steps) => {
        const world = worldOf(analysis)
        for (const each of steps) play(world, each)
        for (const run of world.runs.values()) {
          const passed = run.status?.steps.slice(0, -1) ?? []
          for (const { outcome, verdicts, programmedAt } of passed) {
            expect([outcome, verdicts.at(-1)?.state, programmedAt !== undefined]).toEqual(['passed', 'passed', true])
          }
        }
      }),
      runs,
    )
  })

  test('every run ends when the world answers; failure before promotion ends at weight 0 with the old primary', () => {
    fc.assert(
      fc.property(analysisOf, fc.array(step, { maxLength: 60 }), (analysis, steps) => {
        const world = worldOf(analysis)
        for (const each of steps) play(world, each)
        play(world, { kind: 'suspend', suspend: false })
        play(world, { kind: 'gate', isOpen: true })
        world.run(400)
        const { state: last } = world
        expect(last.run?.outcome).not.toBe('Running')
        expect(['Initialized', 'Succeeded', 'Failed']).toContain(last.phase)
        expect(world.route.traffic).toEqual({ primary: 100, canary: 0, mirror: 0 })
        if (last.phase === 'Failed') expect(world.primary?.revision).toBe(last.lastPromotedSpec)
        else expect(world.primary?.revision).toBe(world.target?.revision)
      }),
      runs,
    )
  })

  test('performing a decision again, and deciding again, changes nothing', () => {
    fc.assert(
      fc.property(analysisOf, fc.array(step, { maxLength: 60 }), (analysis, steps) => {
        const world = worldOf(analysis)
        for (const each of steps) play(world, each)
        const decision = world.pass()
        const before = world.snapshot()
        for (const action of decision.actions) world.perform(action)
        expect(world.snapshot()).toBe(before)
        for (let count = 0; count < 10; count++) world.pass()
        const settled = world.snapshot()
        expect(world.pass().actions).toEqual([])
        expect(world.snapshot()).toBe(settled)
      }),
      runs,
    )
  })

  test('no traffic goes to a side without ready pods once a promotion has begun, while the other has some', () => {
    fc.assert(
      fc.property(analysisOf, fc.array(step, { maxLength: 80 }), (analysis, steps) => {
        const world = worldOf(analysis)
        for (const each of steps) {
          const before = world.performed.length
          play(world, each)
          const route = world.performed.slice(before).find((action) => action.kind === 'route')
          if (route?.kind !== 'route' || !isFromPromotionOn(world)) continue
          const [primaryUp, canaryUp] = [world.primary?.readyReplicas ?? 0, world.target?.readyReplicas ?? 0]
          if (primaryUp === 0 && canaryUp > 0) expect(route.traffic.primary).toBe(0)
          if (canaryUp === 0 && primaryUp > 0) expect(route.traffic.canary).toBe(0)
        }
      }),
      runs,
    )
  })

  test('deciding is a function: the same state and observation give the same decision', () => {
    fc.assert(
      fc.property(analysisOf, fc.array(step, { maxLength: 40 }), (analysis, steps) => {
        const world = worldOf(analysis)
        for (const each of steps) play(world, each)
        const [recorded, observation] = [world.state, world.observe()]
        expect(decide(recorded, observation)).toEqual(decide(recorded, observation))
      }),
      { numRuns: 100 },
    )
  })
})

const isFromPromotionOn = ({ state: { phase, run } }: ReleaseWorld): boolean =>
  phase === 'Promoting' || phase === 'Finalising' || run?.progress.heldAt !== undefined
