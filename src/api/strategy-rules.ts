import type { Rule } from './rules.ts'

/** The fields that say how a version gets its requests. */
interface Strategy {
  readonly stepWeight?: number | undefined
  readonly stepWeights?: readonly number[] | undefined
  readonly iterations?: number | undefined
  readonly match?: readonly object[] | undefined
  readonly stepWeightPromotion?: number | undefined
  readonly sessionAffinity?: object | undefined
}

const countSet = (...values: readonly unknown[]): number => values.filter((value) => value !== undefined).length

export const strategyRules: readonly Rule<Strategy>[] = [
  {
    cel: '[has(self.stepWeight), has(self.stepWeights), has(self.iterations)].filter(isSet, isSet).size() == 1',
    message: 'exactly one of stepWeight, stepWeights and iterations must be set',
    field: 'stepWeight',
    holds: ({ stepWeight, stepWeights, iterations }) => countSet(stepWeight, stepWeights, iterations) === 1,
  },
  {
    cel: '!has(self.match) || has(self.iterations)',
    message: 'match needs iterations: matching requests all go to the new version, so there are no weights',
    field: 'match',
    holds: ({ match, iterations }) => match === undefined || iterations !== undefined,
  },
  {
    cel: '!has(self.stepWeightPromotion) || !has(self.match)',
    message: 'stepWeightPromotion moves shares of all requests, and with match there are none',
    field: 'stepWeightPromotion',
    holds: ({ stepWeightPromotion, match }) => stepWeightPromotion === undefined || match === undefined,
  },
  {
    cel: '!has(self.sessionAffinity) || !has(self.iterations)',
    message: 'sessionAffinity keeps users while weights move, and with iterations there are none',
    field: 'sessionAffinity',
    holds: ({ sessionAffinity, iterations }) => sessionAffinity === undefined || iterations === undefined,
  },
]
