import type { CanarySpec, RunStep } from '../api/index.ts'
import type { RouteFacts, Traffic } from './observation.ts'

export interface PlannedStep {
  readonly kind: 'mirror' | 'weight'
  readonly traffic: Traffic
  /** Passing checks it needs. */
  readonly iterations: number
}

export const primaryOnly: Traffic = { primary: 100, canary: 0, mirror: 0 }
export const canaryOnly: Traffic = { primary: 0, canary: 100, mirror: 0 }

/** The shares a step of a run gives. */
export const trafficOf = ({ weight, mirrorWeight }: RunStep): Traffic => ({ ...weighted(weight), mirror: mirrorWeight })

export const weighted = (weight: number): Traffic => ({ primary: 100 - weight, canary: weight, mirror: 0 })

const weightStep = (weight: number): PlannedStep => ({ kind: 'weight', traffic: weighted(weight), iterations: 1 })

/** A run that begins while the primary has no ready pod has nothing to split with. */
export const recoveryPlan: readonly PlannedStep[] = [weightStep(100)]

/** The steps of a run: the mirrored one first, then weights that end at the largest one and never exceed it. */
export function planSteps(analysis: CanarySpec['analysis']): readonly PlannedStep[] {
  const mirrored: readonly PlannedStep[] = analysis.mirror
    ? [
        {
          kind: 'mirror',
          traffic: { ...primaryOnly, mirror: analysis.mirrorWeight },
          iterations: analysis.mirrorIterations,
        },
      ]
    : []
  return [...mirrored, ...weightsOf(analysis).map(weightStep)]
}

function weightsOf(analysis: CanarySpec['analysis']): readonly number[] {
  const largest = analysis.maxWeight ?? 100
  if (analysis.stepWeights) return ascending(analysis.stepWeights.map((weight) => Math.min(weight, largest)))
  const step = analysis.stepWeight ?? largest
  const count = Math.ceil(largest / step)
  return Array.from({ length: count }, (_, index) => Math.min((index + 1) * step, largest))
}

const ascending = (weights: readonly number[]): readonly number[] =>
  [...new Set(weights)].filter((weight) => weight > 0).sort((left, right) => left - right)

export const isSameTraffic = (left: Traffic | undefined, right: Traffic): boolean =>
  left !== undefined && left.primary === right.primary && left.canary === right.canary && left.mirror === right.mirror

/** Every proxy concerned serves exactly this. */
export const isServed = (route: RouteFacts, traffic: Traffic): boolean =>
  isSameTraffic(route.traffic, traffic) && route.isCurrent && route.isProgrammed
