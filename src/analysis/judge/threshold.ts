import type { MetricVerdict } from '../../api/index.ts'

export type ThresholdRange = MetricVerdict['thresholdRange']

export interface Measured {
  /** How the sentence calls it. */
  readonly title: string
  readonly unit?: string | undefined
  readonly value?: number | undefined
  /** The numbers behind the value, or why there is none; empty when nothing more is known. */
  readonly evidence: string
}

export interface Judgement {
  readonly state: 'passed' | 'failed' | 'no-data'
  readonly message: string
}

/** Whether a measured value lies in the range, in one sentence. No value, or none that is finite, is no data. */
export function judge({ title, unit, value, evidence }: Measured, range: ThresholdRange): Judgement {
  if (value === undefined) return { state: 'no-data', message: `${title} is unknown: ${evidence}` }
  if (!Number.isFinite(value)) return { state: 'no-data', message: `${title} is ${value}, which is no evidence` }
  const exact = snap(value, [range.min, range.max])
  const { relation, state } = compare(exact, range)
  const shown = renderValue(exact, [range.min, range.max])
  const limits = relation.replace(/\{(min|max)\}/g, (_, end: 'min' | 'max') => withUnit(`${range[end]}`, unit))
  const numbers = evidence === '' ? '' : ` (${evidence})`
  return { state, message: `${title} ${withUnit(shown, unit)} is ${limits}${numbers}` }
}

/** Arithmetic on doubles leaves 10.000000000000002 where 10 is meant: that is the limit, not above it. */
function snap(value: number, limits: readonly (number | undefined)[]): number {
  const near = (limit: number | undefined) => limit !== undefined && Math.abs(value - limit) <= 1e-12 * Math.abs(limit)
  return limits.find(near) ?? value
}

function compare(value: number, { min, max }: ThresholdRange): { state: 'passed' | 'failed'; relation: string } {
  if (min !== undefined && value < min) return { state: 'failed', relation: 'below {min}' }
  if (max !== undefined && value > max) return { state: 'failed', relation: 'above {max}' }
  if (min !== undefined && max !== undefined) return { state: 'passed', relation: 'within {min} and {max}' }
  return { state: 'passed', relation: min === undefined ? 'at most {max}' : 'at least {min}' }
}

/** As few decimals as tell the value from the limits: 98.96 must not read "99% is below 99%". */
function renderValue(value: number, limits: readonly (number | undefined)[]): string {
  if (limits.includes(value)) return `${value}`
  for (const decimals of [1, 2, 3, 4, 5, 6]) {
    const rounded = Number(value.toFixed(decimals))
    if (!limits.includes(rounded) && (rounded !== 0 || value === 0)) return `${rounded}`
  }
  return `${value}`
}

function withUnit(text: string, unit: string | undefined): string {
  if (unit === 'percent') return `${text}%`
  return unit === 'milliseconds' ? `${text} ms` : text
}
