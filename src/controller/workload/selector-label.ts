import type { Workload } from './workload.ts'

export interface SelectorLabel {
  readonly key: string
  readonly value: string
}

/** Flagger's order: the label that tells the primary's pods from the workload's. */
const KEYS = ['app', 'name', 'app.kubernetes.io/name'] as const

/** Undefined where the workload selects its pods by none of the usual labels. */
export function selectorLabelOf({ spec }: Workload): SelectorLabel | undefined {
  const labels = spec.selector.matchLabels ?? {}
  for (const key of KEYS) {
    const value = labels[key]
    if (value !== undefined) return { key, value }
  }
  return undefined
}

export const primaryLabel = ({ key, value }: SelectorLabel): SelectorLabel => ({ key, value: `${value}-primary` })
