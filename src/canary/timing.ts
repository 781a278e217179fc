import type { CanarySpec } from '../api/index.ts'
import { parseDuration } from '../base/index.ts'

const SHORTEST_INTERVAL_MS = 1_000
const DEFAULT_INTERVAL_MS = 30_000

/** Time between two checks. The API refuses what cannot be read; an older object gets the default. */
export function intervalMsOf(spec: CanarySpec): number {
  const parsed = parseDuration(spec.analysis.interval)
  return parsed.ok ? Math.max(parsed.value, SHORTEST_INTERVAL_MS) : DEFAULT_INTERVAL_MS
}

export const deadlineMsOf = (spec: CanarySpec): number => spec.progressDeadlineSeconds * 1_000

/** Nothing where it is not set: then no revision returns. */
export function rollbackWindowMsOf({ rollbackWindow }: CanarySpec): number {
  const parsed = parseDuration(rollbackWindow ?? '')
  return parsed.ok ? parsed.value : 0
}

export const renderTime = (milliseconds: number): string => new Date(milliseconds).toISOString()

/** Undefined for text that is no time. */
export function parseTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const milliseconds = Date.parse(text)
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}
