import type { Pod, RequestAuthentication } from '../../api/index.ts'
import type { Finding, ObjectKey, TokenRule } from '../model/index.ts'
import { selectorOf } from './authorization-policy.ts'
import { byAge, keyOf } from './object-key.ts'
import { field, milliseconds } from './optional-field.ts'
import { readSpec } from './read-spec.ts'
import { type JwtRuleSpec, requestAuthenticationSpec } from './supported-security.ts'
import { namespaceOf } from './workload.ts'

/** The keys of an issuer as they were last fetched. */
export interface FetchedKeys {
  /** A key set that Envoy accepts. Where none could be fetched it is one that no token was signed with. */
  readonly jwks: string
  /** Why there is no better one. */
  readonly problem?: string
}

export interface RequestAuthentications {
  rulesOf(pod: Pod): readonly TokenRule[]
  readonly findings: readonly Finding[]
}

export function readRequestAuthentications(
  objects: readonly RequestAuthentication[],
  keysOf: (source: string) => FetchedKeys,
): RequestAuthentications {
  const policies: { readonly selects: (pod: Pod) => boolean; readonly rules: readonly TokenRule[] }[] = []
  const findings: Finding[] = []
  for (const object of objects.toSorted(byAge)) {
    const read = readSpec(requestAuthenticationSpec, object.spec)
    if (!read.ok) {
      findings.push({ object: keyOf(object), reason: 'Invalid', message: read.error })
      continue
    }
    const { selector, jwtRules } = read.value
    const problems = jwtRules.flatMap((rule) => (rule.jwks === undefined ? problemOf(keysOf(sourceOf(rule))) : []))
    if (problems.length > 0) {
      findings.push({ object: keyOf(object), reason: 'KeysUnavailable', message: problems.join('; ') })
    }
    const rules = jwtRules.map((rule) => readRule(rule, rule.jwks ?? keysOf(sourceOf(rule)).jwks, keyOf(object)))
    policies.push({ selects: selectorOf(namespaceOf(object), selector), rules })
  }
  return {
    findings,
    rulesOf: (pod) => policies.filter(({ selects }) => selects(pod)).flatMap(({ rules }) => rules),
  }
}

/** Where keys are fetched from. */
export interface KeySource {
  readonly address: string
  /** How long the answer may take. */
  readonly timeoutMs?: number
}

/** The `jwksUri`s of the objects, and the issuers that must be asked for theirs. */
export const keySourcesOf = (objects: readonly RequestAuthentication[]): readonly KeySource[] =>
  objects.flatMap((object) => {
    const read = readSpec(requestAuthenticationSpec, object.spec)
    if (!read.ok) return []
    return read.value.jwtRules
      .filter(({ jwks }) => jwks === undefined)
      .map((rule) => ({ address: sourceOf(rule), ...field('timeoutMs', milliseconds(rule.timeout)) }))
  })

/** Without a `jwksUri` the issuer's OpenID configuration names it. */
const sourceOf = ({ jwksUri, issuer }: JwtRuleSpec): string =>
  jwksUri ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

const problemOf = ({ problem }: FetchedKeys): readonly string[] => (problem === undefined ? [] : [problem])

const readRule = ({ outputPayloadToHeader, ...rule }: JwtRuleSpec, jwks: string, origin: ObjectKey): TokenRule => ({
  origin,
  issuer: rule.issuer,
  audiences: rule.audiences,
  jwks,
  fromHeaders: rule.fromHeaders,
  fromParams: rule.fromParams,
  fromCookies: rule.fromCookies,
  forwardOriginalToken: rule.forwardOriginalToken,
  ...(outputPayloadToHeader === undefined ? {} : { outputPayloadToHeader }),
  outputClaimToHeaders: rule.outputClaimToHeaders,
})
