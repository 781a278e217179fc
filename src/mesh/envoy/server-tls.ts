import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ServerTls, TlsVersion } from '../model/index.ts'
import {
  type CertificateValidationContextSchema,
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  SubjectAltNameMatcher_SanType as SanType,
  TlsProtocol,
} from './api.ts'
import { ads, extension } from './messages.ts'
import { credentialSecret } from './secret.ts'

/** How a gateway's server speaks TLS to clients; its certificate comes as a secret, and a new one cuts no connection. */
export const serverTls = (tls: ServerTls) =>
  extension('envoy.transport_sockets.tls', DownstreamTlsContextSchema, {
    requireClientCertificate: tls.clientCertificates === 'required',
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: versions[tls.minimumVersion],
        tlsMaximumProtocolVersion: versions[tls.maximumVersion],
        cipherSuites: [...tls.cipherSuites],
      },
      alpnProtocols: ['h2', 'http/1.1'],
      tlsCertificateSdsSecretConfigs: [
        { name: credentialSecret({ name: tls.credential, holds: 'certificate' }), sdsConfig: ads() },
      ],
      ...validation(tls),
    },
  })

const versions: Readonly<Record<TlsVersion, TlsProtocol>> = {
  '1.0': TlsProtocol.TLSv1_0,
  '1.1': TlsProtocol.TLSv1_1,
  '1.2': TlsProtocol.TLSv1_2,
  '1.3': TlsProtocol.TLSv1_3,
}

type Validation = Pick<MessageInitShape<typeof CommonTlsContextSchema>, 'validationContextType'>

function validation({ clientCertificates, credential, subjectAltNames }: ServerTls): Validation {
  if (clientCertificates === 'ignored') return {}
  return {
    validationContextType: {
      case: 'combinedValidationContext',
      value: {
        defaultValidationContext: anyOfNames(subjectAltNames),
        validationContextSdsSecretConfig: {
          name: credentialSecret({ name: credential, holds: 'authority' }),
          sdsConfig: ads(),
        },
      },
    },
  }
}

/** Istio does not say which kind of name it means. */
export const anyOfNames = (
  names: readonly string[],
): Pick<MessageInitShape<typeof CertificateValidationContextSchema>, 'matchTypedSubjectAltNames'> => ({
  matchTypedSubjectAltNames: names.flatMap((name) =>
    kindsOf(name).map((sanType) => ({ sanType, matcher: { matchPattern: { case: 'exact' as const, value: name } } })),
  ),
})

const kindsOf = (name: string): readonly SanType[] => {
  if (name.includes('://')) return [SanType.URI]
  if (name.includes('@')) return [SanType.EMAIL]
  return /^[\d.]+$|:/.test(name) ? [SanType.IP_ADDRESS] : [SanType.DNS]
}
