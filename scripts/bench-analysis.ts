import { parseArgs } from 'node:util'
import { comparisonGate, flaggerGate, type Outcome, playReleases, type Scenario } from '../test/analysis/simulation.ts'

/**
 * Share of releases that are rolled back, and at which check, by the comparison of canary and primary and by Flagger's
 * rule (99 % success, threshold 5) on the same traffic: simulated, four fifths of it to the primary.
 */
const RELEASES = 1_500

interface Row extends Scenario {
  readonly truth: 'healthy' | 'worse'
}

const healthy = [2, 12, 120].flatMap((requests) =>
  [{}, { bursts: true }, { changes: true }, { bursts: true, changes: true }].map(
    (kind): Row => ({ truth: 'healthy', checks: 60, requests, primaryRisk: 0.005, canaryRisk: 0.005, ...kind }),
  ),
)

const failingPrimary: readonly Row[] = [2, 12, 120].map((requests) => ({
  truth: 'healthy',
  checks: 60,
  requests,
  primaryRisk: 0.02,
  canaryRisk: 0.02,
}))

const worse = [20, 60].flatMap((checks) =>
  [2, 12, 120].flatMap((requests) =>
    [0.015, 0.05, 0.5].map((canaryRisk): Row => ({ truth: 'worse', checks, requests, primaryRisk: 0.005, canaryRisk })),
  ),
)

const gates = {
  comparison: () => comparisonGate({ tolerance: 0, margin: 0 }),
  'comparison, defaults': () => comparisonGate({ tolerance: 0.25, margin: 0.002 }),
  flagger: flaggerGate,
} as const

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const results = [...healthy, ...failingPrimary, ...worse].map((scenario) => ({
  scenario,
  outcomes: Object.fromEntries(
    Object.entries(gates).map(([name, createGate]) => [name, playReleases(scenario, RELEASES, createGate)]),
  ),
}))

if (values.json) console.log(JSON.stringify({ releases: RELEASES, alpha: 0.05, results }, null, 2))
else print()

function print(): void {
  console.log(`rolled back of ${RELEASES} releases (check of the median one); alpha 5 %, canary gets a fifth`)
  const heads = ['truth', 'checks', 'requests', 'primary', 'canary', 'traffic', ...Object.keys(gates)]
  const rows = results.map(({ scenario, outcomes }) => [
    scenario.truth,
    `${scenario.checks}`,
    `${scenario.requests}`,
    `${100 * scenario.primaryRisk}%`,
    `${100 * scenario.canaryRisk}%`,
    [scenario.bursts && 'bursts', scenario.changes && 'changes'].filter(Boolean).join(', ') || 'steady',
    ...Object.keys(gates).map((name) => render(outcomes[name])),
  ])
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of [heads, ...rows]) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  }
}

function render(outcome: Outcome | undefined): string {
  if (outcome === undefined) return ''
  const share = `${((100 * outcome.rolledBack) / outcome.releases).toFixed(1)}%`
  return outcome.medianCheck === undefined ? share : `${share} (${outcome.medianCheck})`
}
