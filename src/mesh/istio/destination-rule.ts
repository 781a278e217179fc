import type { DestinationRule } from '../../api/index.ts'
import type { Finding, ObjectKey } from '../model/index.ts'
import { hostMatches, resolveHost } from './hosts.ts'
import { byAge, keyOf } from './object-key.ts'
import type { RegisteredService } from './registry.ts'
import { type DestinationRuleSpec, destinationRuleSpec, readSpec } from './supported.ts'
import { type PortPolicies, readPolicies } from './traffic-policy.ts'
import { isExportedTo, rootNamespace } from './visibility.ts'
import { namespaceOf } from './workload.ts'

export interface Subset extends PortPolicies {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

export interface DestinationPolicy extends PortPolicies {
  readonly subsets: readonly Subset[]
  /** The rules that it was merged of. */
  readonly origins: readonly ObjectKey[]
}

/** The policies that clients of one place are held to, by the full name of the host. */
export interface DestinationView {
  readonly policies: ReadonlyMap<string, DestinationPolicy>
}

export interface DestinationRules {
  readonly findings: readonly Finding[]
  /** Every rule of a Service, whoever may see it. */
  readonly all: DestinationView
  /** What clients of the namespace see. Equal views are one object. */
  from(namespace: string): DestinationView
}

interface Rule {
  readonly id: number
  readonly key: ObjectKey
  readonly host: string
  readonly namespace: string
  readonly exportTo: readonly string[]
  readonly spec: DestinationRuleSpec
}

/**
 * Rules of the client's namespace come before those of the Service's, and those before the root namespace's: the first
 * that has any for the host decides. Several of one namespace and host are merged, the oldest first.
 */
export function readDestinationRules(
  objects: readonly DestinationRule[],
  services: ReadonlyMap<string, RegisteredService>,
): DestinationRules {
  const { rules, findings } = readRules(objects)
  const find = createFinder(rules)
  const viewOf = createViews([...services.values()])
  const all = viewOf(({ identity }) => {
    const found = find(identity.host, () => true)
    const isOwn = (rule: Rule) => rule.namespace === identity.namespace
    return [...found.filter(isOwn), ...found.filter((rule) => !isOwn(rule))]
  })
  const views = new Map<string, DestinationView>()
  const from = (client: string): DestinationView =>
    viewOf(({ identity }) => {
      const own = find(identity.host, (rule) => rule.namespace === client)
      if (own.length > 0) return own
      const exported = (namespace: string) => (rule: Rule) => rule.namespace === namespace && isExportedTo(rule, client)
      const ofService = find(identity.host, exported(identity.namespace))
      return ofService.length > 0 ? ofService : find(identity.host, exported(rootNamespace))
    })
  return {
    findings,
    all,
    from(namespace) {
      const known = views.get(namespace) ?? from(namespace)
      views.set(namespace, known)
      return known
    },
  }
}

function readRules(objects: readonly DestinationRule[]) {
  const rules: Rule[] = []
  const findings: Finding[] = []
  for (const [id, object] of objects.toSorted(byAge).entries()) {
    const read = readSpec(destinationRuleSpec, object.spec)
    const namespace = namespaceOf(object)
    if (!read.ok) findings.push({ object: keyOf(object), reason: 'Invalid', message: read.error })
    else {
      const { host, exportTo } = read.value
      rules.push({ id, key: keyOf(object), host: resolveHost(host, namespace), namespace, exportTo, spec: read.value })
    }
  }
  return { rules, findings }
}

type Finder = (host: string, among: (rule: Rule) => boolean) => readonly Rule[]

/** The rules of the host itself; without one those of the longest wildcard that covers it. */
function createFinder(rules: readonly Rule[]): Finder {
  const exact = Map.groupBy(rules, (rule) => rule.host)
  const wildcards = rules
    .filter(({ host }) => host.startsWith('*'))
    .toSorted((left, right) => right.host.length - left.host.length)
  return (host, among) => {
    const own = (exact.get(host) ?? []).filter(among)
    if (own.length > 0) return own
    const longest = wildcards.find((rule) => hostMatches(rule.host, host) && among(rule))
    return longest === undefined ? [] : wildcards.filter((rule) => rule.host === longest.host && among(rule))
  }
}

type ViewOf = (choose: (service: RegisteredService) => readonly Rule[]) => DestinationView

/** Equal choices give one object, so that what is built of it is shared. */
function createViews(services: readonly RegisteredService[]): ViewOf {
  const views = new Map<string, DestinationView>()
  const merged = new Map<string, DestinationPolicy>()
  const merge = (rules: readonly Rule[]): DestinationPolicy => {
    const key = rules.map(({ id }) => id).join()
    const known = merged.get(key) ?? mergeRules(rules)
    merged.set(key, known)
    return known
  }
  return (choose) => {
    const chosen = services
      .map((service) => ({ host: service.identity.host, rules: choose(service) }))
      .filter(({ rules }) => rules.length > 0)
    const key = chosen.map(({ host, rules }) => `${host}=${rules.map(({ id }) => id).join()}`).join('|')
    const known = views.get(key) ?? { policies: new Map(chosen.map(({ host, rules }) => [host, merge(rules)])) }
    views.set(key, known)
    return known
  }
}

function mergeRules(rules: readonly Rule[]): DestinationPolicy {
  const policies = readPolicies(rules.find((rule) => rule.spec.trafficPolicy)?.spec.trafficPolicy)
  const subsets = new Map<string, Subset>()
  for (const { name, labels, trafficPolicy } of rules.flatMap((rule) => rule.spec.subsets)) {
    if (subsets.has(name)) continue
    subsets.set(name, { name, labels, ...readPolicies(trafficPolicy, policies) })
  }
  return { ...policies, subsets: [...subsets.values()], origins: rules.map(({ key }) => key) }
}
