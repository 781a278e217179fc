import type { DestinationRule } from '../../api/index.ts'
import { findOrMake, keepLast } from '../../base/index.ts'
import { type Finding, keyText, type ObjectKey } from '../model/index.ts'
import { type CredentialPlace, credentialPlaces, withoutCredentials } from './credential-places.ts'
import { hostMatches, resolveHost } from './hosts.ts'
import { byAge, keyOf } from './object-key.ts'
import { createSpecReader } from './read-spec.ts'
import type { RegisteredService } from './registry.ts'
import { type DestinationRuleSpec, destinationRuleSpec } from './supported.ts'
import { type PortPolicies, readPolicies } from './traffic-policy.ts'
import { isExportedTo, rootNamespace } from './visibility.ts'
import { labelsContain, namespaceOf } from './workload.ts'

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

/** Whose proxy is configured. */
export interface DestinationClient {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly isGateway: boolean
}

export interface DestinationRules {
  readonly findings: readonly Finding[]
  /** Every rule of a Service, whoever may see it. */
  readonly all: DestinationView
  /** What the client sees. Equal views are one object. */
  from(client: DestinationClient): DestinationView
  /** Where a rule names a Secret. */
  credentialsOf(rule: ObjectKey): readonly CredentialPlace[]
}

interface Rule {
  readonly id: number
  readonly key: ObjectKey
  readonly host: string
  readonly namespace: string
  readonly exportTo: readonly string[]
  /** Absent for a rule that is for all. */
  readonly selector?: Readonly<Record<string, string>>
  readonly spec: DestinationRuleSpec
  /** Without the Secrets that only gateways are given, the same object where there are none. */
  readonly sidecarSpec: DestinationRuleSpec
}

/**
 * Rules of the client's namespace come before those of the Service's, and those before the root namespace's: the first
 * that has any for the host decides. Several of one namespace and host are merged, the oldest first. A rule that
 * selects workloads counts in its own namespace alone, and there before those that are for all.
 */
export function createDestinationRuleReader(): (
  objects: readonly DestinationRule[],
  services: ReadonlyMap<string, RegisteredService>,
) => DestinationRules {
  const keepRules = keepLast<Rules>()
  const keepViews = keepLast<DestinationRules>()
  return (objects, services) => {
    const rules = keepRules([objects], () => readRules(objects))
    return keepViews([rules, services], () => buildViews(rules, services))
  }
}

function buildViews(
  { rules, findings, find, merge }: Rules,
  services: ReadonlyMap<string, RegisteredService>,
): DestinationRules {
  const viewOf = createViews([...services.values()], merge)
  const all = viewOf(({ identity }) => {
    const found = find(identity.host, () => true)
    const isOwn = (rule: Rule) => rule.namespace === identity.namespace
    return [...found.filter(isOwn), ...found.filter((rule) => !isOwn(rule))]
  })
  const selecting = Map.groupBy(
    rules.filter(({ selector }) => selector !== undefined),
    ({ namespace }) => namespace,
  )
  const views = new Map<string, DestinationView>()
  const from = (client: DestinationClient): DestinationView =>
    viewOf(({ identity }) => {
      const own = find(identity.host, (rule) => rule.namespace === client.namespace && isFor(rule, client))
      if (own.length > 0) return selectingFirst(own)
      const exported = (namespace: string) => (rule: Rule) =>
        rule.namespace === namespace && rule.selector === undefined && isExportedTo(rule, client.namespace)
      const ofService = find(identity.host, exported(identity.namespace))
      return ofService.length > 0 ? ofService : find(identity.host, exported(rootNamespace))
    }, client.isGateway)
  const credentials = new Map(rules.map(({ key, spec }) => [keyText(key), credentialPlaces(spec)]))
  return {
    findings,
    all,
    from(client) {
      const selected = selecting.get(client.namespace)?.filter((rule) => isFor(rule, client)) ?? []
      const key = [client.namespace, client.isGateway, ...selected.map(({ id }) => id)].join()
      return findOrMake(views, key, () => from(client))
    },
    credentialsOf: (rule) => credentials.get(keyText(rule)) ?? [],
  }
}

const isFor = ({ selector }: Rule, { labels }: DestinationClient): boolean =>
  selector === undefined || labelsContain(labels, selector)

/** Those that select the workload stand alone. */
function selectingFirst(rules: readonly Rule[]): readonly Rule[] {
  const selecting = rules.filter(({ selector }) => selector !== undefined)
  return selecting.length > 0 ? selecting : rules
}

interface Rules {
  readonly rules: readonly Rule[]
  readonly findings: readonly Finding[]
  readonly find: Finder
  readonly merge: Merge
}

const readDestinationRule = createSpecReader(destinationRuleSpec)

function readRules(objects: readonly DestinationRule[]): Rules {
  const rules: Rule[] = []
  const findings: Finding[] = []
  for (const [id, object] of objects.toSorted(byAge).entries()) {
    const read = readDestinationRule(object.spec)
    const namespace = namespaceOf(object)
    if (!read.ok) findings.push({ object: keyOf(object), reason: 'Invalid', message: read.error })
    else {
      rules.push({ id, key: keyOf(object), namespace, ...readRule(read.value, namespace) })
    }
  }
  return { rules, findings, find: createFinder(rules), merge: createMerge() }
}

function readRule(spec: DestinationRuleSpec, namespace: string): Omit<Rule, 'id' | 'key' | 'namespace'> {
  const { host, exportTo, workloadSelector } = spec
  const selects = workloadSelector !== undefined
  return {
    host: resolveHost(host, namespace),
    exportTo,
    ...(selects ? { selector: workloadSelector.matchLabels } : {}),
    spec,
    sidecarSpec: selects || credentialPlaces(spec).length === 0 ? spec : withoutCredentials(spec),
  }
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

type ViewOf = (choose: (service: RegisteredService) => readonly Rule[], isGateway?: boolean) => DestinationView

/** Equal choices give one object, so that what is built of it is shared. */
function createViews(services: readonly RegisteredService[], merge: Merge): ViewOf {
  const views = new Map<string, DestinationView>()
  return (choose, isGateway = false) => {
    const chosen = services
      .map((service) => ({ host: service.identity.host, rules: choose(service) }))
      .filter(({ rules }) => rules.length > 0)
    const key = chosen.map(({ host, rules }) => `${host}=${keyOfRules(rules, isGateway)}`).join('|')
    return findOrMake(views, key, () => ({
      policies: new Map(chosen.map(({ host, rules }) => [host, merge(rules, isGateway)])),
    }))
  }
}

const keyOfRules = (rules: readonly Rule[], isGateway: boolean): string =>
  rules.map(({ id, spec, sidecarSpec }) => (isGateway && spec !== sidecarSpec ? `${id} of gateways` : id)).join()

type Merge = (rules: readonly Rule[], isGateway: boolean) => DestinationPolicy

function createMerge(): Merge {
  const merged = new Map<string, DestinationPolicy>()
  return (rules, isGateway) => findOrMake(merged, keyOfRules(rules, isGateway), () => mergeRules(rules, isGateway))
}

function mergeRules(rules: readonly Rule[], isGateway: boolean): DestinationPolicy {
  const specs = rules.map(({ spec, sidecarSpec }) => (isGateway ? spec : sidecarSpec))
  const policies = readPolicies(specs.find(({ trafficPolicy }) => trafficPolicy)?.trafficPolicy)
  const subsets = new Map<string, Subset>()
  for (const { name, labels, trafficPolicy } of specs.flatMap((spec) => spec.subsets)) {
    if (subsets.has(name)) continue
    subsets.set(name, { name, labels, ...readPolicies(trafficPolicy, policies) })
  }
  return { ...policies, subsets: [...subsets.values()], origins: rules.map(({ key }) => key) }
}
