/** What a release of the demo is, and what must come of it. */
export interface Scenario {
  readonly name: string
  readonly version: string
  readonly title: string
  readonly phase: 'Initialized' | 'Succeeded' | 'Failed'
  /** Metric whose verdict must be the reason of a rollback. */
  readonly metric?: string
  /** Whether users may, must or must not have had answers from the new version. */
  readonly reachesUsers: 'must' | 'must not'
  /** Whether users may see errors. */
  readonly mayFail: boolean
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'first-deploy',
    version: '1.0.0',
    title: 'first deploy',
    phase: 'Initialized',
    reachesUsers: 'must',
    mayFail: false,
  },
  { name: 'good', version: '2.0.0', title: 'good', phase: 'Succeeded', reachesUsers: 'must', mayFail: false },
  {
    name: 'errors',
    version: '3.0.0',
    title: 'half of the orders answer 500',
    phase: 'Failed',
    metric: 'request-success-rate',
    reachesUsers: 'must',
    mayFail: true,
  },
  {
    name: 'slow',
    version: '4.0.0',
    title: 'orders take 0.8 s',
    phase: 'Failed',
    metric: 'request-duration',
    reachesUsers: 'must',
    mayFail: false,
  },
  {
    name: 'mirrored-errors',
    version: '5.0.0',
    title: 'half of the pages answer 500',
    phase: 'Failed',
    metric: 'request-success-rate',
    reachesUsers: 'must not',
    mayFail: false,
  },
]

export interface ScenarioOutcome {
  readonly name: string
  readonly version: string
  readonly phase: string
  readonly reason: string
  /** Metric that failed; empty where none did. */
  readonly failedMetric: string
  readonly seconds: number
  /** Pages of the mirrored step that the new version got a copy of. */
  readonly mirrored: number
  /** The same pages as the primary answered them, where they could be counted to the last one. */
  readonly mirroredOf: number
  readonly requestsToNewVersion: number
  readonly userErrors: number
  /** What was promised and did not come; empty when all is well. */
  readonly broken: readonly string[]
}

/** Compares an outcome with its promise; one sentence for each promise that was broken. */
export function judge(scenario: Scenario, outcome: Omit<ScenarioOutcome, 'broken'>): readonly string[] {
  const isRelease = scenario.phase !== 'Initialized'
  const promises: readonly (readonly [boolean, string])[] = [
    [outcome.phase === scenario.phase, `the phase is ${outcome.phase}, not ${scenario.phase}`],
    [
      (scenario.metric ?? '') === outcome.failedMetric,
      `the metric that failed is ${outcome.failedMetric || 'none'}, not ${scenario.metric ?? 'none'}`,
    ],
    [
      scenario.reachesUsers === 'must' ? outcome.requestsToNewVersion > 0 : outcome.requestsToNewVersion === 0,
      `users had ${outcome.requestsToNewVersion} answers of the new version`,
    ],
    [scenario.mayFail || outcome.userErrors === 0, `users saw ${outcome.userErrors} errors`],
    [!isRelease || outcome.mirroredOf > 0, 'no mirrored request was seen'],
    [
      !isRelease || Math.abs(outcome.mirroredOf - outcome.mirrored) <= Math.max(1, outcome.mirroredOf / 100),
      `${outcome.mirrored} of ${outcome.mirroredOf} pages were mirrored`,
    ],
  ]
  return promises.filter(([kept]) => !kept).map(([, sentence]) => sentence)
}
