import type { DestinationRule } from '../../api/index.ts'
import type { Finding, TrafficPolicy } from '../model/index.ts'
import { resolveHost } from './hosts.ts'
import { byAge, keyOf } from './object-key.ts'
import { type DestinationRuleSpec, destinationRuleSpec, readSpec } from './supported.ts'
import { readPolicy } from './traffic-policy.ts'
import { namespaceOf } from './workload.ts'

export interface Subset {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly policy: TrafficPolicy
}

export interface DestinationPolicy {
  readonly policy: TrafficPolicy
  readonly subsets: readonly Subset[]
}

export interface DestinationPolicies {
  /** By the full name of the host. */
  readonly policies: ReadonlyMap<string, DestinationPolicy>
  readonly findings: readonly Finding[]
}

interface Rule {
  readonly host: string
  readonly namespace: string
  readonly spec: DestinationRuleSpec
}

/** Several rules of one host are merged, the oldest first; those of the Service's own namespace come before others. */
export function readDestinationRules(objects: readonly DestinationRule[]): DestinationPolicies {
  const rules: Rule[] = []
  const findings: Finding[] = []
  for (const object of objects.toSorted(byAge)) {
    const read = readSpec(destinationRuleSpec, object.spec)
    const namespace = namespaceOf(object)
    if (read.ok) rules.push({ host: resolveHost(read.value.host, namespace), namespace, spec: read.value })
    else findings.push({ object: keyOf(object), reason: 'Invalid', message: read.error })
  }
  const policies = new Map<string, DestinationPolicy>()
  for (const [host, group] of Map.groupBy(rules, (rule) => rule.host)) policies.set(host, mergeRules(host, group))
  return { policies, findings }
}

function mergeRules(host: string, rules: readonly Rule[]): DestinationPolicy {
  const isOwn = (rule: Rule) => host.split('.')[1] === rule.namespace
  const ordered = [...rules.filter(isOwn), ...rules.filter((rule) => !isOwn(rule))]
  const policy = readPolicy(ordered.find((rule) => rule.spec.trafficPolicy)?.spec.trafficPolicy)
  const subsets = new Map<string, Subset>()
  for (const { name, labels, trafficPolicy } of ordered.flatMap((rule) => rule.spec.subsets)) {
    if (subsets.has(name)) continue
    subsets.set(name, { name, labels, policy: readPolicy(trafficPolicy, policy) })
  }
  return { policy, subsets: [...subsets.values()] }
}
