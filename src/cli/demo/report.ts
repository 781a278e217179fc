import { renderTable } from '../output.ts'
import type { ScenarioOutcome } from './scenarios.ts'

export interface DemoReport {
  readonly schemaVersion: 1
  readonly ok: boolean
  readonly seconds: number
  readonly scenarios: readonly ScenarioOutcome[]
}

const heads = ['RELEASE', 'VERDICT', 'TIME', 'MIRRORED', 'FROM NEW VERSION', 'USER ERRORS', 'REASON'] as const

const verdictOf = (outcome: ScenarioOutcome): string => {
  if (outcome.phase === 'Failed') return 'rolled back'
  if (outcome.phase === 'Succeeded') return 'promoted'
  return outcome.phase === 'Initialized' ? 'initialized' : outcome.phase
}

const row = (outcome: ScenarioOutcome): readonly string[] => [
  `${outcome.version} ${outcome.name}`,
  verdictOf(outcome),
  `${outcome.seconds.toFixed(1)}s`,
  outcome.mirroredOf === 0 ? '-' : `${outcome.mirrored} of ${outcome.mirroredOf}`,
  String(outcome.requestsToNewVersion),
  String(outcome.userErrors),
  outcome.reason,
]

/** The table at the end, then every promise that was broken. */
export function renderReport(report: DemoReport): string {
  const broken = report.scenarios.flatMap((outcome) =>
    outcome.broken.map((sentence) => `BROKEN  ${outcome.version} ${outcome.name}: ${sentence}`),
  )
  const verdict = report.ok
    ? `Every outcome is as promised, checked from the client's side (${report.seconds.toFixed(0)} s).`
    : `${broken.length} promises were broken.`
  return ['', renderTable(heads, report.scenarios.map(row)), '', ...broken, verdict].join('\n')
}
