import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  SubjectAltNameMatcher_SanType as SanType,
  TlsProtocol,
  UpstreamTlsContextSchema,
} from './api.ts'
import { ads, extension } from './messages.ts'
import { identitySecret, trustSecret } from './secret.ts'

export const tlsVersions = {
  tlsMinimumProtocolVersion: TlsProtocol.TLSv1_2,
  tlsMaximumProtocolVersion: TlsProtocol.TLSv1_3,
}

type CommonTlsContext = MessageInitShape<typeof CommonTlsContextSchema>
type NameMatch = { readonly kind: 'exact' | 'prefix'; readonly value: string }

/** The proxy's own certificate, and the roots that count, of which the other side must show one of these names. */
const meshContext = (names: readonly NameMatch[]): CommonTlsContext => ({
  tlsParams: tlsVersions,
  tlsCertificateSdsSecretConfigs: [{ name: identitySecret, sdsConfig: ads() }],
  validationContextType: {
    case: 'combinedValidationContext',
    value: {
      defaultValidationContext: {
        matchTypedSubjectAltNames: names.map(({ kind, value }) => ({
          sanType: SanType.URI,
          matcher: { matchPattern: { case: kind, value } },
        })),
      },
      validationContextSdsSecretConfig: { name: trustSecret, sdsConfig: ads() },
    },
  },
})

/** Tells the mesh's own TLS from an application's: a client's proxy offers it, a server's looks for it. Istio's word. */
export const meshProtocol = 'istio'

/** Towards pods that may only be one of these identities. */
export const meshUpstreamTls = (identities: readonly string[], protocols: readonly string[], sni: string) =>
  extension('envoy.transport_sockets.tls', UpstreamTlsContextSchema, {
    sni,
    commonTlsContext: {
      ...meshContext(identities.map((value) => ({ kind: 'exact', value }))),
      alpnProtocols: [meshProtocol, ...protocols],
    },
  })

/**
 * From anybody of the mesh. Its own protocols lack the mesh's word: were that agreed upon, the connection manager
 * would take HTTP/2 for HTTP/1.1.
 */
export const meshDownstreamTls = (trustDomain: string, protocols: readonly string[]) =>
  extension('envoy.transport_sockets.tls', DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: {
      ...meshContext([{ kind: 'prefix', value: `spiffe://${trustDomain}/` }]),
      alpnProtocols: [...protocols],
    },
  })

/** Where an endpoint says that its proxy takes the mesh's TLS. Istio's word for the key. */
export const transportMatch = 'envoy.transport_socket_match'
export const tlsModeKey = 'tlsMode'
