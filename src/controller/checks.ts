import type { Check, Subject } from '../analysis/index.ts'
import type { Canary, Metric } from '../api/index.ts'
import { serviceNamesOf } from '../traffic/index.ts'
import { findTemplate, type ReferencePolicy, type Templates } from './references.ts'
import { primaryNameOf } from './workload/primary.ts'

/** A metric of a Canary as analysis takes it, or why it cannot be asked. */
export type FoundCheck =
  | { readonly metric: Metric; readonly check: Check }
  | { readonly metric: Metric; readonly refusal: string }

export function checksOf(canary: Canary, templates: Templates, policy: ReferencePolicy): readonly FoundCheck[] {
  return (canary.spec.analysis.metrics ?? []).map((metric) => {
    const { template, refusal } = findTemplate(canary, metric, templates, policy)
    if (refusal) return { metric, refusal: refusal.message }
    // A check never looks further back than one interval, unless its metric says so.
    const interval = metric.interval ?? canary.spec.analysis.interval
    return { metric, check: { metric: { ...metric, interval }, template } }
  })
}

export const subjectOf = (canary: Canary): Subject => ({
  canary: canary.metadata.name,
  namespace: canary.metadata.namespace ?? '',
  target: canary.spec.targetRef.name,
  primary: primaryNameOf(canary),
  service: serviceNamesOf(canary).apex,
  metricsProvider: canary.spec.metricsProvider ?? canary.spec.provider,
})
