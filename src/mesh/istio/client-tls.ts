import type { ClientTls, CredentialUse } from '../model/index.ts'
import type { ClientTlsSpec } from './supported-client-tls.ts'

export function readClientTls(spec: ClientTlsSpec): ClientTls {
  const { mode, subjectAltNames, sni } = spec
  if (mode === 'DISABLE') return { kind: 'none' }
  const asked = { subjectAltNames, ...(sni === undefined ? {} : { serverName: sni }) }
  if (mode === 'ISTIO_MUTUAL') return { kind: 'mesh', ...asked }
  const certificate = certificateOf(spec)
  return {
    kind: 'own',
    ...asked,
    authority: authorityOf(spec),
    ...(certificate === undefined ? {} : { certificate }),
  }
}

function authorityOf({ insecureSkipVerify, credentialName, caCertificates = 'system' }: ClientTlsSpec) {
  if (insecureSkipVerify) return { kind: 'unchecked' } as const
  if (credentialName !== undefined) return { kind: 'secret', name: credentialName } as const
  return caCertificates === 'system' ? ({ kind: 'system' } as const) : ({ kind: 'file', path: caCertificates } as const)
}

function certificateOf({ mode, credentialName, clientCertificate: chain, privateKey: key }: ClientTlsSpec) {
  if (mode !== 'MUTUAL') return undefined
  if (credentialName !== undefined) return { kind: 'secret', name: credentialName } as const
  return chain === undefined || key === undefined ? undefined : ({ kind: 'files', chain, key } as const)
}

/** What a proxy of the namespace must be given to speak so. */
export function credentialsOf(tls: ClientTls | undefined, namespace: string): readonly CredentialUse[] {
  if (tls?.kind !== 'own') return []
  const { certificate, authority } = tls
  return [
    ...(certificate?.kind === 'secret' ? [{ namespace, name: certificate.name, holds: 'certificate' } as const] : []),
    ...(authority.kind === 'secret' ? [{ namespace, name: authority.name, holds: 'authority' } as const] : []),
  ]
}
