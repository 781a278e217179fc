import type { Result } from '../../base/index.ts'
import type { ProviderOptions, ProviderProblem, Samples } from '../provider.ts'
import { providerDown, queryError, samplesOf } from './http-provider.ts'
import { parseJsonPath, valueAt } from './json-path.ts'

const NUMBER = /^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/

/** `NaN` is a number that is none; anything else that is not one is undefined, and never 0. */
export function parseNumber(text: string): number | undefined {
  if (text === 'NaN') return Number.NaN
  return NUMBER.test(text) ? Number(text) : undefined
}

/** The one number at `provider.jsonPath` of an answer; nothing there, or null, is no value, and never 0. */
export function readNumberAt(body: unknown, { provider }: ProviderOptions): Result<Samples, ProviderProblem> {
  if (body === undefined) return providerDown('the answer is not JSON')
  const path = parseJsonPath(provider.jsonPath ?? '')
  if (!path.ok) return queryError(path.error)
  const found = valueAt(body, path.value)
  if (found === undefined || found === null) return samplesOf([])
  if (typeof found === 'number') return samplesOf([{ labels: {}, value: found }])
  const value = typeof found === 'string' ? parseNumber(found) : undefined
  if (value !== undefined) return samplesOf([{ labels: {}, value }])
  const kind = Array.isArray(found) ? 'list' : typeof found
  return queryError(`the answer has a ${kind} at ${provider.jsonPath}; it must be a number`)
}
