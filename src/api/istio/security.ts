import { z } from 'zod'
import type { KubernetesObject, ResourceKind } from '../kubernetes/meta.ts'
import type { NetworkingStatus } from './networking.ts'
import { labels, networkingObject, object } from './networking-schema.ts'

export interface WorkloadSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
}

/** Whether callers must show a certificate of the mesh. */
export interface PeerAuthentication extends KubernetesObject {
  readonly spec?: {
    readonly selector?: WorkloadSelector
    readonly mtls?: { readonly mode?: string }
    readonly portLevelMtls?: Readonly<Record<string, { readonly mode?: string }>>
  }
  readonly status?: NetworkingStatus
}

/** Who may ask for what. */
export interface AuthorizationPolicy extends KubernetesObject {
  readonly spec?: {
    readonly selector?: WorkloadSelector
    readonly action?: string
    readonly rules?: readonly object[]
  }
  readonly status?: NetworkingStatus
}

/** Which tokens a request may carry. */
export interface RequestAuthentication extends KubernetesObject {
  readonly spec?: {
    readonly selector?: WorkloadSelector
    readonly jwtRules?: readonly {
      readonly issuer: string
      readonly jwksUri?: string
      readonly jwks?: string
    }[]
  }
  readonly status?: NetworkingStatus
}

const security = <T extends KubernetesObject>(kind: string, plural: string): ResourceKind<T> => ({
  group: 'security.istio.io',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
})

export const peerAuthenticationKind = security<PeerAuthentication>('PeerAuthentication', 'peerauthentications')
export const authorizationPolicyKind = security<AuthorizationPolicy>('AuthorizationPolicy', 'authorizationpolicies')
export const requestAuthenticationKind = security<RequestAuthentication>(
  'RequestAuthentication',
  'requestauthentications',
)

const text = z.string()
const texts = z.array(text).optional()
const selector = object({ matchLabels: labels.optional().describe('Labels of the pods.') })
  .optional()
  .describe('Pods that are meant; all of the namespace when absent.')
const mtls = object({ mode: text.optional().describe('UNSET, DISABLE, PERMISSIVE or STRICT.') })

export const peerAuthenticationSchema = networkingObject(
  object({
    selector,
    mtls: mtls.optional().describe('Mutual TLS of all ports.'),
    portLevelMtls: z.record(text, mtls).optional().describe('Mutual TLS of single ports of the pods.'),
  })
    .optional()
    .describe('Whether callers must show a certificate of the mesh.'),
)

const source = object({
  principals: texts.describe('Identities by certificate: cluster.local/ns/NAMESPACE/sa/ACCOUNT.'),
  notPrincipals: texts.describe('None of these identities.'),
  requestPrincipals: texts.describe('Identities by token: ISSUER/SUBJECT.'),
  notRequestPrincipals: texts.describe('None of these identities.'),
  namespaces: texts.describe('Namespaces of the caller.'),
  notNamespaces: texts.describe('None of these namespaces.'),
  serviceAccounts: texts.describe('Service accounts of the caller: NAMESPACE/ACCOUNT or ACCOUNT.'),
  notServiceAccounts: texts.describe('None of these service accounts.'),
  ipBlocks: texts.describe('Addresses or ranges of the connection.'),
  notIpBlocks: texts.describe('None of these addresses.'),
  remoteIpBlocks: texts.describe('Addresses or ranges of the original client, by X-Forwarded-For.'),
  notRemoteIpBlocks: texts.describe('None of these addresses.'),
})

const operation = object({
  hosts: texts.describe('Hosts of the request.'),
  notHosts: texts.describe('None of these hosts.'),
  ports: texts.describe('Ports of the pod.'),
  notPorts: texts.describe('None of these ports.'),
  methods: texts.describe('Methods of the request.'),
  notMethods: texts.describe('None of these methods.'),
  paths: texts.describe('Paths of the request, without the query.'),
  notPaths: texts.describe('None of these paths.'),
})

export const authorizationPolicySchema = networkingObject(
  object({
    selector,
    action: text.optional().describe('ALLOW (when absent), DENY or AUDIT.'),
    rules: z
      .array(
        object({
          from: z
            .array(object({ source: source.optional().describe('The caller.') }))
            .optional()
            .describe('Callers, any of which matches.'),
          to: z
            .array(object({ operation: operation.optional().describe('The request.') }))
            .optional()
            .describe('Requests, any of which matches.'),
          when: z
            .array(
              object({
                key: text.describe('Attribute, such as request.headers[name].'),
                values: texts.describe('Values, any of which matches.'),
                notValues: texts.describe('None of these values.'),
              }),
            )
            .optional()
            .describe('Conditions, all of which must hold.'),
        }),
      )
      .optional()
      .describe('Rules, any of which matches.'),
  })
    .optional()
    .describe('Who may ask for what.'),
)

const header = object({
  name: text.describe('Name of the header.'),
  prefix: text.optional().describe('Text before the token.'),
})

export const requestAuthenticationSchema = networkingObject(
  object({
    selector,
    jwtRules: z
      .array(
        object({
          issuer: text.describe('Who issues the tokens.'),
          audiences: texts.describe('Whom the tokens are for, any of which is right.'),
          jwksUri: text.optional().describe('Where the keys of the issuer are.'),
          jwks: text.optional().describe('The keys of the issuer.'),
          fromHeaders: z.array(header).optional().describe('Headers that carry tokens.'),
          fromParams: texts.describe('Query parameters that carry tokens.'),
          fromCookies: texts.describe('Cookies that carry tokens.'),
          outputPayloadToHeader: text.optional().describe("Header for the token's payload."),
          forwardOriginalToken: z.boolean().optional().describe('Leave the token in the request.'),
          outputClaimToHeaders: z
            .array(object({ header: text.describe('Header.'), claim: text.describe('Claim.') }))
            .optional()
            .describe('Headers for single claims.'),
          timeout: text.optional().describe('Time limit for the keys.'),
        }),
      )
      .optional()
      .describe('Issuers and their tokens.'),
  })
    .optional()
    .describe('Which tokens a request may carry.'),
)
