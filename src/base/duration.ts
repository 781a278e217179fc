import { failure, type Result, success } from './result.ts'

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** The whole-string pattern of a duration in Go's syntax: `1h30m`, `500ms`, `1.5s`. */
export const DURATION_PATTERN = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$'

/** Reads a duration in Go's syntax as milliseconds. */
export function parseDuration(text: string): Result<number> {
  if (!new RegExp(DURATION_PATTERN).test(text)) {
    return failure(`"${text}" is not a duration such as "30s" or "1m30s"`)
  }
  let total = 0
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ms|s|m|h)/g)) {
    total += Number(amount) * (MILLISECONDS[unit ?? ''] ?? Number.NaN)
  }
  return success(total)
}

/** Writes milliseconds in Go's syntax with at most two units: 90_000 -> `1m30s`, 1_500 -> `1.5s`. */
export function renderDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)}ms`
  if (milliseconds < 60_000) return `${Math.round(milliseconds / 100) / 10}s`
  const seconds = Math.round(milliseconds / 1_000)
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60), seconds % 60]
  if (hours > 0) return minutes > 0 ? `${hours}h${minutes}m` : `${hours}h`
  return rest > 0 ? `${minutes}m${rest}s` : `${minutes}m`
}
