import type { AuthorizationPolicy as AuthorizationPolicyObject, Pod } from '../../api/index.ts'
import { failure, type Result, success } from '../../base/index.ts'
import {
  type Attribute,
  type AuthorizationPolicy,
  type AuthorizationRule,
  type Condition,
  type Finding,
  rootNamespace,
} from '../model/index.ts'
import { byAge, keyOf } from './object-key.ts'
import { readSpec } from './supported.ts'
import { type AuthorizationRuleSpec, authorizationPolicySpec, type SelectorSpec } from './supported-security.ts'
import { labelsContain, namespaceOf } from './workload.ts'

/** Istio's: the policy is counted, not enforced. */
const dryRunAnnotation = 'istio.io/dry-run'

export interface AuthorizationPolicies {
  /** Those that select the pod, oldest first. */
  policiesOf(pod: Pod): readonly AuthorizationPolicy[]
  readonly findings: readonly Finding[]
}

export function readAuthorizationPolicies(objects: readonly AuthorizationPolicyObject[]): AuthorizationPolicies {
  const policies: { readonly selects: (pod: Pod) => boolean; readonly policy: AuthorizationPolicy }[] = []
  const findings: Finding[] = []
  for (const object of objects.toSorted(byAge)) {
    const read = readPolicy(object)
    if (read.ok) policies.push(read.value)
    else findings.push({ object: keyOf(object), reason: 'Invalid', message: read.error })
  }
  return {
    findings,
    policiesOf: (pod) => policies.filter(({ selects }) => selects(pod)).map(({ policy }) => policy),
  }
}

/** Those of the root namespace select in every namespace. */
export const selectorOf =
  (namespace: string, selector: SelectorSpec) =>
  (pod: Pod): boolean =>
    (namespace === rootNamespace || namespace === namespaceOf(pod)) &&
    labelsContain(pod.metadata.labels, selector?.matchLabels ?? {})

function readPolicy(object: AuthorizationPolicyObject) {
  const read = readSpec(authorizationPolicySpec, object.spec)
  if (!read.ok) return read
  const { selector, action, rules } = read.value
  const namespace = namespaceOf(object)
  const readRules: AuthorizationRule[] = []
  for (const [index, rule] of rules.entries()) {
    const one = readRule(rule, namespace, `spec.rules[${index}]`)
    if (!one.ok) return one
    readRules.push(one.value)
  }
  const policy: AuthorizationPolicy = {
    origin: keyOf(object),
    action: actions[action],
    isDryRun: object.metadata.annotations?.[dryRunAnnotation] === 'true',
    rules: readRules,
  }
  return success({ selects: selectorOf(namespace, selector), policy })
}

const actions = { ALLOW: 'allow', DENY: 'deny', AUDIT: 'audit' } as const

function readRule(rule: AuthorizationRuleSpec, namespace: string, path: string): Result<AuthorizationRule> {
  const when: Condition[] = []
  for (const [index, { key, values = [], notValues = [] }] of rule.when.entries()) {
    const attribute = attributeOf(key)
    if (attribute === undefined) return failure(`${path}.when[${index}].key: this mesh does not know ${key}`)
    when.push(condition(attribute, values, notValues, namespace))
  }
  return success({
    from: rule.from.map(({ source }) => sourceConditions(source, namespace)),
    to: rule.to.map(({ operation }) => operationConditions(operation, namespace)),
    when,
  })
}

type Lists = readonly [values: readonly string[] | undefined, notValues: readonly string[] | undefined]
type PlainKind = Exclude<Attribute, { readonly path: unknown } | { readonly name: string }>['kind']

function sourceConditions(source: AuthorizationRuleSpec['from'][number]['source'], namespace: string) {
  return conditions(namespace, {
    principal: [source.principals, source.notPrincipals],
    requestPrincipal: [source.requestPrincipals, source.notRequestPrincipals],
    namespace: [source.namespaces, source.notNamespaces],
    serviceAccount: [source.serviceAccounts, source.notServiceAccounts],
    directIp: [source.ipBlocks, source.notIpBlocks],
    remoteIp: [source.remoteIpBlocks, source.notRemoteIpBlocks],
  })
}

function operationConditions(operation: AuthorizationRuleSpec['to'][number]['operation'], namespace: string) {
  return conditions(namespace, {
    host: [operation.hosts, operation.notHosts],
    port: [operation.ports, operation.notPorts],
    method: [operation.methods, operation.notMethods],
    path: [operation.paths, operation.notPaths],
  })
}

const conditions = (namespace: string, lists: { readonly [Kind in PlainKind]?: Lists }): readonly Condition[] =>
  plainKinds.flatMap((kind) => {
    const [values = [], notValues = []] = lists[kind] ?? []
    return values.length + notValues.length === 0 ? [] : [condition({ kind }, values, notValues, namespace)]
  })

const plainKinds: readonly PlainKind[] = [
  ...(['principal', 'requestPrincipal', 'namespace', 'serviceAccount', 'directIp', 'remoteIp'] as const),
  ...(['host', 'port', 'method', 'path'] as const),
]

function condition(
  attribute: Attribute,
  values: readonly string[],
  notValues: readonly string[],
  namespace: string,
): Condition {
  if (attribute.kind !== 'serviceAccount') return { attribute, values, notValues }
  // A name alone is of the policy's own namespace.
  const qualify = (value: string) => (value.includes('/') ? value : `${namespace}/${value}`)
  return { attribute, values: values.map(qualify), notValues: notValues.map(qualify) }
}

const plainKeys: Readonly<Record<string, Attribute>> = {
  'source.ip': { kind: 'directIp' },
  'remote.ip': { kind: 'remoteIp' },
  'source.namespace': { kind: 'namespace' },
  'source.principal': { kind: 'principal' },
  'source.serviceAccount': { kind: 'serviceAccount' },
  'request.auth.principal': { kind: 'requestPrincipal' },
  'request.auth.audiences': { kind: 'claim', path: ['aud'] },
  'request.auth.presenter': { kind: 'claim', path: ['azp'] },
  'destination.ip': { kind: 'destinationIp' },
  'destination.port': { kind: 'port' },
  'connection.sni': { kind: 'sni' },
}

function attributeOf(key: string): Attribute | undefined {
  const header = /^request\.headers\[([^\]]+)\]$/.exec(key)?.[1]
  if (header !== undefined) return { kind: 'header', name: header.toLowerCase() }
  const claims = /^request\.auth\.claims((?:\[[^\]]+\])+)$/.exec(key)?.[1]
  if (claims !== undefined) return { kind: 'claim', path: claims.slice(1, -1).split('][') }
  return plainKeys[key]
}
