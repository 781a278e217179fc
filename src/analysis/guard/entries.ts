import type { BuiltinMetric } from '../builtin/metric.ts'
import { builtinMetricsOf } from '../builtin/registry.ts'
import { canaryOf, primaryOf } from '../counters.ts'
import { type GuardRules, guardRulesOf } from '../judge/guard-rules.ts'
import type { Check } from '../port.ts'
import type { GuardWatch } from './port.ts'

/** A metric of a release that is read together with the same metric of others. */
export interface Entry {
  readonly watch: GuardWatch
  readonly check: Check
  readonly builtin: Together
  readonly rules: GuardRules
}

type Together = BuiltinMetric & Required<Pick<BuiltinMetric, 'queryTogether'>>

/** Versions of that many releases are asked for in one query: its text and its answer stay within what servers take. */
const ENTRIES_OF_A_QUERY = 250

/** Those that one query can answer: the same metric of the same data plane from the same server. */
export function groupEntries(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const groups = new Map<string, Entry[]>()
  for (const entry of entries) {
    const { metricsServer, subject } = entry.watch
    const name = [metricsServer, subject.metricsProvider ?? '', entry.check.metric.name].join('\n')
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [entry])
    else group.push(entry)
  }
  return [...groups.values()].flatMap(splitGroup)
}

export function entriesOf(watch: GuardWatch): readonly Entry[] {
  const metrics = builtinMetricsOf(watch.subject.metricsProvider)
  return watch.checks.flatMap((check) => {
    const builtin = metrics.get(check.metric.name)
    const rules = guardRulesOf(check.metric, watch.settings)
    if (rules === undefined || builtin === undefined || !isTogether(builtin)) return []
    return [{ watch, check, builtin, rules }]
  })
}

const isTogether = (builtin: BuiltinMetric): builtin is Together => builtin.queryTogether !== undefined

/** A query finds every name in every namespace it names, so neighbours go together. */
function splitGroup(group: readonly Entry[]): readonly (readonly Entry[])[] {
  const sorted = [...group].sort((left, right) => (left.watch.key < right.watch.key ? -1 : 1))
  const parts = Math.ceil(sorted.length / ENTRIES_OF_A_QUERY)
  return Array.from({ length: parts }, (_, index) =>
    sorted.slice(index * ENTRIES_OF_A_QUERY, (index + 1) * ENTRIES_OF_A_QUERY),
  )
}

export const backendsOf = ({ watch, rules }: Entry) =>
  rules.comparison === undefined ? [canaryOf(watch.subject)] : [canaryOf(watch.subject), primaryOf(watch.subject)]
