import type { MessageInitShape } from '@bufbuild/protobuf'
import type { TokenRule } from '../model/index.ts'
import { JwtAuthenticationSchema, type JwtProviderSchema, type JwtRequirementSchema } from './api.ts'
import { extension } from './messages.ts'

/** Where the claims of a token are for filters that follow: metadata of this filter, under this key. */
export const tokenFilter = 'envoy.filters.http.jwt_authn'
export const payloadKey = 'payload'

/** Istio's: these claims are lists of words. */
const spaceDelimitedClaims = ['scope', 'permission']

/**
 * A request without a token passes, one with a token that is not right does not. Nothing where no issuer is named.
 * Where requests are routed, what a token puts into headers counts for that.
 */
export function tokenFilters(rules: readonly TokenRule[], areRouted = false) {
  if (rules.length === 0) return []
  const named = rules.map((rule, index) => [`origins-${index}`, rule] as const)
  const requires = {
    requiresType: {
      case: 'requiresAny' as const,
      value: {
        requirements: [
          ...named.map(
            ([name]): MessageInitShape<typeof JwtRequirementSchema> => ({
              requiresType: { case: 'providerName', value: name },
            }),
          ),
          { requiresType: { case: 'allowMissing' as const, value: {} } },
        ],
      },
    },
  }
  return [
    extension(tokenFilter, JwtAuthenticationSchema, {
      providers: Object.fromEntries(
        named.map(([name, rule]) => [name, { ...provider(rule), clearRouteCache: areRouted }]),
      ),
      rules: [
        {
          match: { pathSpecifier: { case: 'prefix', value: '/' } },
          requirementType: { case: 'requires', value: requires },
        },
      ],
      bypassCorsPreflight: true,
    }),
  ]
}

const provider = (rule: TokenRule): MessageInitShape<typeof JwtProviderSchema> => ({
  issuer: rule.issuer,
  audiences: [...rule.audiences],
  jwksSourceSpecifier: { case: 'localJwks', value: { specifier: { case: 'inlineString', value: rule.jwks } } },
  fromHeaders: rule.fromHeaders.map(({ name, prefix }) => ({ name, valuePrefix: prefix })),
  fromParams: [...rule.fromParams],
  fromCookies: [...rule.fromCookies],
  forward: rule.forwardOriginalToken,
  forwardPayloadHeader: rule.outputPayloadToHeader ?? '',
  claimToHeaders: rule.outputClaimToHeaders.map(({ header, claim }) => ({ headerName: header, claimName: claim })),
  payloadInMetadata: payloadKey,
  normalizePayloadInMetadata: { spaceDelimitedClaims },
})
