import type { MessageInitShape } from '@bufbuild/protobuf'
import type { AuthorizationPolicy, AuthorizationRule } from '../model/index.ts'
import {
  HttpRbacSchema as HttpRbac,
  type HttpRbacSchema,
  NetworkRbacSchema as NetworkRbac,
  type PolicySchema,
  type PrincipalSchema,
  RbacAction,
  type RbacSchema,
} from './api.ts'
import { type Condition, isOfCaller, isOfHttp, permissionOf, principalOf } from './authorization-condition.ts'
import { extension } from './messages.ts'

type Rules = MessageInitShape<typeof RbacSchema>
type RbacFilter = Pick<MessageInitShape<typeof HttpRbacSchema>, 'rules' | 'shadowRules' | 'shadowRulesStatPrefix'>
type Policy = MessageInitShape<typeof PolicySchema>
type Principal = MessageInitShape<typeof PrincipalSchema>

/** In Istio's order: who is denied, what is only noted, and at last, where anything is allowed by name, who is allowed. */
const order = ['deny', 'audit', 'allow'] as const
const actions = { deny: RbacAction.DENY, audit: RbacAction.LOG, allow: RbacAction.ALLOW }

export const httpAuthorization = (policies: readonly AuthorizationPolicy[]) =>
  filters(policies, 'http').map((fields) => extension('envoy.filters.http.rbac', HttpRbac, fields))

export const tcpAuthorization = (policies: readonly AuthorizationPolicy[], statPrefix: string) =>
  filters(policies, 'tcp').map((fields) =>
    extension('envoy.filters.network.rbac', NetworkRbac, { ...fields, statPrefix: `${statPrefix}.` }),
  )

type Transport = 'http' | 'tcp'

const filters = (policies: readonly AuthorizationPolicy[], transport: Transport): readonly RbacFilter[] =>
  order.flatMap((action) => {
    const ofAction = policies.filter((policy) => policy.action === action)
    const [enforced, tried] = [
      ofAction.filter(({ isDryRun }) => !isDryRun),
      ofAction.filter(({ isDryRun }) => isDryRun),
    ]
    if (ofAction.length === 0) return []
    return [
      {
        ...(enforced.length === 0 ? {} : { rules: rulesOf(action, enforced, transport) }),
        ...(tried.length === 0
          ? {}
          : {
              shadowRules: rulesOf(action, tried, transport),
              shadowRulesStatPrefix: `istio_dry_run_${action}_`,
            }),
      },
    ]
  })

const rulesOf = (
  action: (typeof order)[number],
  policies: readonly AuthorizationPolicy[],
  transport: Transport,
): Rules => ({
  action: actions[action],
  policies: Object.fromEntries(
    policies.flatMap(({ origin, rules }) =>
      rules.flatMap((rule, index) => {
        const policy = policyOf(transport === 'tcp' ? onTcp(rule, action) : rule)
        return policy === undefined
          ? []
          : [[`ns[${origin.namespace}]-policy[${origin.name}]-rule[${index}]`, policy] as const]
      }),
    ),
  ),
})

/**
 * A connection has no method: a rule that asks for one allows nothing there. One that denies leaves the question out,
 * and denies more.
 */
function onTcp(rule: AuthorizationRule, action: 'deny' | 'audit' | 'allow'): AuthorizationRule | undefined {
  const all = [...rule.from.flat(), ...rule.to.flat(), ...rule.when]
  if (!all.some(isOfHttp)) return rule
  if (action === 'allow') return undefined
  const without = (conditions: readonly Condition[]) => conditions.filter((condition) => !isOfHttp(condition))
  return { from: rule.from.map(without), to: rule.to.map(without), when: without(rule.when) }
}

function policyOf(rule: AuthorizationRule | undefined): Policy | undefined {
  if (rule === undefined) return undefined
  const { from, to, when } = rule
  const principals = all([
    anyOf(from.map((source) => all(source.map(principalOf)))),
    ...when.filter(isOfCaller).map(principalOf),
  ])
  const permissions = allPermissions([
    anyPermission(to.map((operation) => allPermissions(operation.map(permissionOf)))),
    ...when.filter((condition) => !isOfCaller(condition)).map(permissionOf),
  ])
  return { principals: [principals], permissions: [permissions] }
}

type Permission = ReturnType<typeof permissionOf>

const anybody: Principal = { identifier: { case: 'any', value: true } }
const anything: Permission = { rule: { case: 'any', value: true } }

function all(ids: readonly Principal[]): Principal {
  const said = ids.filter((id) => id !== anybody)
  if (said.length === 0) return anybody
  return said.length === 1 ? (said[0] ?? anybody) : { identifier: { case: 'andIds', value: { ids: said } } }
}

function anyOf(ids: readonly Principal[]): Principal {
  if (ids.length === 0 || ids.includes(anybody)) return anybody
  return { identifier: { case: 'orIds', value: { ids: [...ids] } } }
}

function allPermissions(rules: readonly Permission[]): Permission {
  const said = rules.filter((rule) => rule !== anything)
  if (said.length === 0) return anything
  return said.length === 1 ? (said[0] ?? anything) : { rule: { case: 'andRules', value: { rules: said } } }
}

function anyPermission(rules: readonly Permission[]): Permission {
  if (rules.length === 0 || rules.includes(anything)) return anything
  return { rule: { case: 'orRules', value: { rules: [...rules] } } }
}
