import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ClientTls, Cluster } from '../model/index.ts'
import { type CommonTlsContextSchema, type HttpProtocolOptionsSchema, UpstreamTlsContextSchema } from './api.ts'
import { ads, extension } from './messages.ts'
import { credentialSecret, systemRootsSecret } from './secret.ts'
import { anyOfNames } from './server-tls.ts'
import { tlsVersions } from './tls.ts'

type OwnTls = Extract<ClientTls, { readonly kind: 'own' }>

/** TLS as a DestinationRule asks for it. */
export const ownUpstreamTls = (cluster: Cluster, tls: OwnTls, protocols: readonly string[]) => {
  const sni = serverNameOf(cluster, tls)
  return extension('envoy.transport_sockets.tls', UpstreamTlsContextSchema, {
    ...(sni === undefined ? {} : { sni }),
    commonTlsContext: {
      tlsParams: tlsVersions,
      alpnProtocols: [...protocols],
      ...shown(tls),
      ...validation(tls, namesOf(tls, sni)),
    },
  })
}

type RequestNames = Pick<MessageInitShape<typeof HttpProtocolOptionsSchema>, 'upstreamHttpProtocolOptions'>

/** The host that a request names is asked for, and must be in the certificate, unless the rule names others. */
export function namesByRequest({ tls, protocol }: Pick<Cluster, 'tls' | 'protocol'>): RequestNames {
  if (tls?.kind !== 'own' || protocol === 'tcp' || tls.serverName !== undefined) return {}
  const autoSanValidation = tls.authority.kind !== 'unchecked' && tls.subjectAltNames.length === 0
  return { upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation } }
}

const file = (filename: string) => ({ specifier: { case: 'filename' as const, value: filename } })

/** A connection that is no request names the host of the Service. */
function serverNameOf({ protocol, service }: Cluster, { serverName }: OwnTls): string | undefined {
  if (serverName !== undefined) return serverName
  return protocol === 'tcp' && !service.host.startsWith('*') ? service.host : undefined
}

const namesOf = ({ subjectAltNames }: OwnTls, sni: string | undefined): readonly string[] =>
  subjectAltNames.length > 0 || sni === undefined ? subjectAltNames : [sni]

type Shown = Pick<MessageInitShape<typeof CommonTlsContextSchema>, 'tlsCertificates' | 'tlsCertificateSdsSecretConfigs'>

/** The certificate that the proxy shows. */
function shown({ certificate }: OwnTls): Shown {
  if (certificate === undefined) return {}
  if (certificate.kind === 'files') {
    return { tlsCertificates: [{ certificateChain: file(certificate.chain), privateKey: file(certificate.key) }] }
  }
  const name = credentialSecret({ name: certificate.name, holds: 'certificate' })
  return { tlsCertificateSdsSecretConfigs: [{ name, sdsConfig: ads() }] }
}

type Validation = Pick<MessageInitShape<typeof CommonTlsContextSchema>, 'validationContextType'>

function validation({ authority }: OwnTls, names: readonly string[]): Validation {
  if (authority.kind === 'unchecked') return {}
  const context = anyOfNames(names)
  if (authority.kind === 'file') {
    return {
      validationContextType: { case: 'validationContext', value: { ...context, trustedCa: file(authority.path) } },
    }
  }
  const name =
    authority.kind === 'secret' ? credentialSecret({ name: authority.name, holds: 'authority' }) : systemRootsSecret
  return {
    validationContextType: {
      case: 'combinedValidationContext',
      value: {
        defaultValidationContext: context,
        validationContextSdsSecretConfig: { name, sdsConfig: ads() },
      },
    },
  }
}
