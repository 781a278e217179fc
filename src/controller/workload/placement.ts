import type { Affinity, LabelSelector, PodAffinity, PodSpec } from '../../api/index.ts'

/** A label of pods that becomes another one. */
export interface Relabelling {
  readonly key: string
  readonly from: string
  readonly to: string
}

/** Rules that keep pods near or apart from those of their own workload, for pods with the other label. */
export function relabelPlacement(spec: PodSpec, label: Relabelling): PodSpec {
  const { affinity, topologySpreadConstraints } = spec
  return {
    ...spec,
    ...(affinity && { affinity: relabelAffinity(affinity, label) }),
    ...(topologySpreadConstraints && {
      topologySpreadConstraints: topologySpreadConstraints.map((each) => relabelTerm(each, label)),
    }),
  }
}

function relabelAffinity(affinity: Affinity, label: Relabelling): Affinity {
  const { podAffinity, podAntiAffinity } = affinity
  return {
    ...affinity,
    ...(podAffinity && { podAffinity: relabelTerms(podAffinity, label) }),
    ...(podAntiAffinity && { podAntiAffinity: relabelTerms(podAntiAffinity, label) }),
  }
}

function relabelTerms(affinity: PodAffinity, label: Relabelling): PodAffinity {
  const {
    requiredDuringSchedulingIgnoredDuringExecution: required,
    preferredDuringSchedulingIgnoredDuringExecution: preferred,
  } = affinity
  return {
    ...affinity,
    ...(required && {
      requiredDuringSchedulingIgnoredDuringExecution: required.map((term) => relabelTerm(term, label)),
    }),
    ...(preferred && {
      preferredDuringSchedulingIgnoredDuringExecution: preferred.map((each) => ({
        ...each,
        podAffinityTerm: relabelTerm(each.podAffinityTerm, label),
      })),
    }),
  }
}

const relabelTerm = <T extends { readonly labelSelector?: LabelSelector }>(term: T, label: Relabelling): T =>
  term.labelSelector ? { ...term, labelSelector: relabelSelector(term.labelSelector, label) } : term

function relabelSelector(selector: LabelSelector, { key, from, to }: Relabelling): LabelSelector {
  const { matchLabels, matchExpressions } = selector
  const relabel = (value: string): string => (value === from ? to : value)
  return {
    ...selector,
    ...(matchLabels?.[key] === from && { matchLabels: { ...matchLabels, [key]: to } }),
    ...(matchExpressions && {
      matchExpressions: matchExpressions.map((each) =>
        each.key === key && each.values ? { ...each, values: each.values.map(relabel) } : each,
      ),
    }),
  }
}
