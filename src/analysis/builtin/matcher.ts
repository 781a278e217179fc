import { quote } from '../promql.ts'
import type { Sample } from '../provider.ts'

/** A condition on one label: a value, or a pattern that the whole value must match. */
export interface Matcher {
  readonly label: string
  readonly operator: '=' | '=~' | '!~'
  readonly value: string
}

/** Conditions that hold together. */
export type Selector = readonly Matcher[]

export const equals = (label: string, value: string): Matcher => ({ label, operator: '=', value })

export const matches = (label: string, pattern: string): Matcher => ({ label, operator: '=~', value: pattern })

/** A name inside a pattern. */
export const literally = (name: string): string => name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** The newest value of every series that one of the selectors finds, up to `range` back. */
export const renderCounters = (metric: string, selectors: readonly Selector[], range: string): string =>
  selectors
    .map((selector) => `last_over_time(${metric}{${selector.map(renderMatcher).join(',')}}[${range}])`)
    .join(' or ')

const renderMatcher = ({ label, operator, value }: Matcher): string => `${label}${operator}${quote(value)}`

/** What Prometheus itself decides, for telling the series of one version from those of another. */
export const isSelected = ({ labels }: Sample, selectors: readonly Selector[]): boolean =>
  selectors.some((selector) => selector.every((matcher) => holds(matcher, labels[matcher.label] ?? '')))

function holds({ operator, value }: Matcher, actual: string): boolean {
  if (operator === '=') return actual === value
  return new RegExp(`^(?:${value})$`).test(actual) === (operator === '=~')
}

/** Any of the names, as a condition. */
export const isOneOf = (label: string, names: Iterable<string>): Matcher =>
  matches(label, [...new Set(names)].sort().map(literally).join('|'))

/** The sum of what the selectors find, by these labels. */
export const renderSums = (metric: string, selectors: readonly Selector[], by: readonly string[], range: string) =>
  `sum by (${by.join(',')}) (${renderCounters(metric, selectors, range)})`
