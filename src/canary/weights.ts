import type { CanarySpec, RunStep } from '../api/index.ts'
import type { RouteFacts, Traffic } from './observation.ts'

export interface PlannedStep {
  readonly kind: RunStep['kind']
  readonly traffic: Traffic
  /** Passing checks it needs. */
  readonly iterations: number
  /** The first step that promotion must be confirmed for: before it no user is concerned. */
  readonly isSwitch?: true
}

export const primaryOnly: Traffic = { primary: 100, canary: 0, mirror: 0 }
export const canaryOnly: Traffic = { primary: 0, canary: 100, mirror: 0 }
const matchingOnly: Traffic = { ...canaryOnly, matching: true }

/** The shares a step of a run gives. */
export const trafficOf = ({ kind, weight, mirrorWeight, session }: RunStep): Traffic => ({
  ...weighted(weight),
  mirror: mirrorWeight,
  ...(kind === 'match' ? { matching: true } : {}),
  ...(session === undefined ? {} : { session }),
})

export const weighted = (weight: number): Traffic => ({ primary: 100 - weight, canary: weight, mirror: 0 })

const weightStep = (weight: number): PlannedStep => ({ kind: 'weight', traffic: weighted(weight), iterations: 1 })

/** A run that begins while the primary has no ready pod has nothing to split with. */
export const recoveryPlan: readonly PlannedStep[] = [weightStep(100)]

/** The steps of a run: the mirrored one first, then what the strategy says. No weight exceeds the largest one. */
export function planSteps(analysis: Analysis): readonly PlannedStep[] {
  const { iterations, match, mirror } = analysis
  if (iterations === undefined) return [...mirrored(analysis), ...weightsOf(analysis).map(weightStep)]
  if (match) return [...mirrored(analysis), { kind: 'match', traffic: matchingOnly, iterations }]
  const hidden: PlannedStep = { kind: 'iterations', traffic: primaryOnly, iterations }
  const tested = mirror ? mirrored({ ...analysis, mirrorIterations: iterations }) : [hidden]
  return [...tested, { ...weightStep(100), isSwitch: true }]
}

type Analysis = CanarySpec['analysis']

function mirrored({ mirror, mirrorWeight, mirrorIterations }: Analysis): readonly PlannedStep[] {
  if (!mirror) return []
  return [{ kind: 'mirror', traffic: { ...primaryOnly, mirror: mirrorWeight }, iterations: mirrorIterations }]
}

function weightsOf(analysis: Analysis): readonly number[] {
  const largest = analysis.maxWeight ?? 100
  if (analysis.stepWeights) return ascending(analysis.stepWeights.map((weight) => Math.min(weight, largest)))
  const step = analysis.stepWeight ?? largest
  const count = Math.ceil(largest / step)
  return Array.from({ length: count }, (_, index) => Math.min((index + 1) * step, largest))
}

const ascending = (weights: readonly number[]): readonly number[] =>
  [...new Set(weights)].filter((weight) => weight > 0).sort((left, right) => left - right)

export const isSameTraffic = (left: Traffic | undefined, right: Traffic): boolean =>
  left !== undefined &&
  left.primary === right.primary &&
  left.canary === right.canary &&
  left.mirror === right.mirror &&
  left.matching === right.matching &&
  left.session === right.session

/** Every proxy concerned serves exactly this. */
export const isServed = (route: RouteFacts, traffic: Traffic): boolean =>
  isSameTraffic(route.traffic, traffic) && route.isCurrent && route.isProgrammed
