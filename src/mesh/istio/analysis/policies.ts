import { rootNamespace } from '../../model/index.ts'
import type { Path } from '../path.ts'
import type { AuthorizationRuleSpec } from '../supported-security.ts'
import type { Catalog } from './catalog.ts'
import { type GivenWorkload, ownPortOf, selectedBy, servicesOf } from './cluster.ts'
import { type Found, info, nameOf, warning } from './found.ts'

type Authorization = Catalog['authorizations'][number]

/** Policies that do not do what they look like. */
export const checkPolicies = (known: Catalog): readonly Found[] => [
  ...known.authorizations.flatMap((policy) => [
    ...checkRules(policy),
    ...checkPrincipals(policy),
    ...checkProtocol(policy, known),
    ...checkOperationPorts(policy, known),
  ]),
  ...known.peerAuthentications.flatMap((policy) => [
    ...checkSaysSomething(policy),
    ...Object.keys(policy.spec.portLevelMtls).flatMap((port) =>
      checkOwnPort(policy, { known, port, path: ['spec', 'portLevelMtls', port], labels: policy.spec.selector }),
    ),
  ]),
  ...known.requestAuthentications.flatMap((policy) => [
    ...checkTokens(policy, known),
    ...checkTokenPorts(policy, known),
  ]),
]

function checkRules(policy: Authorization): readonly Found[] {
  const { action, rules } = policy.spec
  if (rules.length > 0) return []
  if (action === 'ALLOW') {
    const message =
      'allows nothing, so that every request to what it selects is refused; write rules: [{}] to allow all'
    return [info('DeniesEverything', policy, ['spec'], message)]
  }
  const message = `has no rule, so that nothing is met; write rules, or rules: [{}] for every request`
  return [warning('IdlePolicy', policy, ['spec', 'rules'], message)]
}

function checkPrincipals(policy: Authorization): readonly Found[] {
  return policy.spec.rules.flatMap(({ from }, index) =>
    from.flatMap(({ source }, at) =>
      (['principals', 'notPrincipals'] as const).flatMap((list) =>
        (source[list] ?? []).flatMap((principal, position) => {
          const problem = principalProblem(principal)
          const path = ['spec', 'rules', index, 'from', at, 'source', list, position]
          return problem === undefined ? [] : [warning('PrincipalForm', policy, path, problem)]
        }),
      ),
    ),
  )
}

function principalProblem(principal: string): string | undefined {
  if (principal.startsWith('spiffe://')) {
    return `is never equal: principals have no scheme; write ${principal.slice('spiffe://'.length)}`
  }
  if (principal.includes('*') || /^[^/]+\/ns\/[^/]+\/sa\/[^/]+$/.test(principal)) return undefined
  return 'is never equal: a principal is TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT, such as cluster.local/ns/shop/sa/web'
}

/** Where the selected pods are reached, and whether by HTTP. */
function portsOf(workloads: readonly GivenWorkload[], { cluster }: Catalog) {
  return workloads.flatMap((workload) =>
    servicesOf(cluster, workload).flatMap((service) =>
      service.ports.map((port) => ({ service, port, own: ownPortOf(workload, port) })),
    ),
  )
}

const isHttp = ({ port }: ReturnType<typeof portsOf>[number]): boolean => port.protocol !== 'tcp'

/** HTTP is not looked into on a port for TCP. */
function checkProtocol(policy: Authorization, known: Catalog): readonly Found[] {
  const selected = selectedBy(known.cluster, policy.key.namespace, policy.spec.selector?.matchLabels ?? {})
  const ports = portsOf(selected, known)
  return policy.spec.rules.flatMap((rule, index) => {
    const field = httpFieldOf(rule)
    const meant = rule.to.flatMap(({ operation }) => operation.ports ?? [])
    const reached = meant.length === 0 ? ports : ports.filter(({ own }) => meant.includes(String(own)))
    const [first] = reached
    if (field === undefined || first === undefined || reached.some(isHttp)) return []
    const what = `${first.service.key.name}:${first.port.number}`
    const effect =
      policy.spec.action === 'ALLOW'
        ? 'the rule allows nothing there'
        : 'the rule counts there without it, for more than it says'
    const message = `asks for what only HTTP has, but ${what} is a port for TCP: ${effect}; name the port of the Service http-..., or ask for ports, principals, namespaces or addresses`
    return [warning('ProtocolMismatch', policy, ['spec', 'rules', index, ...field], message)]
  })
}

function httpFieldOf({ from, to, when }: AuthorizationRuleSpec): Path | undefined {
  const inOperation = to.flatMap(({ operation }, at) =>
    (['methods', 'notMethods', 'paths', 'notPaths', 'hosts', 'notHosts'] as const)
      .filter((name) => operation[name] !== undefined)
      .map((name) => ['to', at, 'operation', name]),
  )
  const inSource = from.flatMap(({ source }, at) =>
    (['requestPrincipals', 'notRequestPrincipals'] as const)
      .filter((name) => source[name] !== undefined)
      .map((name) => ['from', at, 'source', name]),
  )
  const inCondition = when.flatMap(({ key }, at) => (key.startsWith('request.') ? [['when', at, 'key']] : []))
  return [...inOperation, ...inSource, ...inCondition][0]
}

const checkOperationPorts = (policy: Authorization, known: Catalog): readonly Found[] =>
  policy.spec.rules.flatMap(({ to }, index) =>
    to.flatMap(({ operation }, at) =>
      (operation.ports ?? []).flatMap((port, position) => {
        const path = ['spec', 'rules', index, 'to', at, 'operation', 'ports', position]
        return checkOwnPort(policy, { known, port, path, labels: policy.spec.selector })
      }),
    ),
  )

interface OwnPort {
  readonly known: Catalog
  readonly port: string
  readonly path: Path
  readonly labels: { readonly matchLabels: Readonly<Record<string, string>> } | undefined
}

/** Policies are about the ports of pods, not those of the Services before them. */
function checkOwnPort(
  policy: Authorization | Catalog['peerAuthentications'][number],
  { known, port, path, labels }: OwnPort,
) {
  const selected = selectedBy(known.cluster, policy.key.namespace, labels?.matchLabels ?? {})
  const ports = portsOf(selected, known)
  const own = [
    ...ports.map((each) => each.own),
    ...selected.flatMap((workload) => workload.ports.map(({ containerPort }) => containerPort)),
  ]
  if (own.length === 0 || own.includes(Number(port))) return []
  const led = ports.find((each) => each.port.number === Number(port))
  const instead =
    led?.own === undefined
      ? `they have ${[...new Set(own)].join(', ')}`
      : `${port} is that of the Service ${led.service.key.name}, which leads to ${led.own}: write ${led.own}`
  const message = `is no port of the selected pods, so that nothing is met there; ${instead}`
  return [warning('WrongPort', policy, path, message)]
}

function checkSaysSomething(policy: Catalog['peerAuthentications'][number]): readonly Found[] {
  const { mtls, portLevelMtls } = policy.spec
  if (Object.keys(portLevelMtls).length > 0 || (mtls?.mode ?? 'UNSET') !== 'UNSET') return []
  const message =
    'says nothing, so that the mode of what is around it counts; write mtls: { mode: STRICT }, PERMISSIVE or DISABLE'
  return [warning('IdlePolicy', policy, ['spec', 'mtls'], message)]
}

/** Requests without a token pass a RequestAuthentication. */
function checkTokens(policy: Catalog['requestAuthentications'][number], { authorizations }: Catalog): readonly Found[] {
  if (policy.spec.jwtRules.length === 0) {
    const message = 'has no rule, so that no token is looked at; write jwtRules'
    return [warning('IdlePolicy', policy, ['spec', 'jwtRules'], message)]
  }
  const isRequired = authorizations.some(
    ({ key, spec }) => [policy.key.namespace, rootNamespace].includes(key.namespace) && spec.rules.some(asksForToken),
  )
  if (isRequired) return []
  const message =
    'requests without a token pass; to require one, write an AuthorizationPolicy with from.source.requestPrincipals: ["*"]'
  return [info('TokenNotRequired', policy, ['spec', 'jwtRules'], message)]
}

const asksForToken = ({ from, when }: AuthorizationRuleSpec): boolean =>
  from.some(({ source }) => source.requestPrincipals !== undefined || source.notRequestPrincipals !== undefined) ||
  when.some(({ key }) => key.startsWith('request.auth.'))

function checkTokenPorts(policy: Catalog['requestAuthentications'][number], known: Catalog): readonly Found[] {
  const labels = policy.spec.selector?.matchLabels ?? {}
  if (Object.keys(labels).length === 0) return []
  const ports = portsOf(selectedBy(known.cluster, policy.key.namespace, labels), known)
  const [first] = ports
  if (first === undefined || ports.some(isHttp)) return []
  const message = `no token is looked at: ${nameOf(first.service)}:${first.port.number} is a port for TCP; name it http-..., or set appProtocol: http`
  return [warning('ProtocolMismatch', policy, ['spec', 'jwtRules'], message)]
}
