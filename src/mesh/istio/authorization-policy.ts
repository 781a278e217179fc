import type { AuthorizationPolicy as AuthorizationPolicyObject, Pod } from '../../api/index.ts'
import { success } from '../../base/index.ts'
import {
  type Attribute,
  type AuthorizationPolicy,
  type AuthorizationRule,
  type Condition,
  type Finding,
  rootNamespace,
} from '../model/index.ts'
import { attributeOf } from './authorization-attribute.ts'
import { byAge, keyOf } from './object-key.ts'
import { readSpec } from './read-spec.ts'
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
  const policy: AuthorizationPolicy = {
    origin: keyOf(object),
    action: actions[action],
    isDryRun: object.metadata.annotations?.[dryRunAnnotation] === 'true',
    rules: rules.map((rule) => readRule(rule, namespace)),
  }
  return success({ selects: selectorOf(namespace, selector), policy })
}

const actions = { ALLOW: 'allow', DENY: 'deny', AUDIT: 'audit' } as const

const readRule = ({ from, to, when }: AuthorizationRuleSpec, namespace: string): AuthorizationRule => ({
  from: from.map(({ source }) => sourceConditions(source, namespace)),
  to: to.map(({ operation }) => operationConditions(operation, namespace)),
  when: when.flatMap(({ key, values = [], notValues = [] }) => {
    const attribute = attributeOf(key)
    return attribute === undefined ? [] : [condition(attribute, values, notValues, namespace)]
  }),
})

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
