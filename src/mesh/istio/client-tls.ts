import type { ClientTls } from '../model/index.ts'
import type { ClientTlsSpec } from './supported-client-tls.ts'

export function readClientTls(spec: ClientTlsSpec): ClientTls {
  const { mode, subjectAltNames, sni, clientCertificate, privateKey } = spec
  if (mode === 'DISABLE') return { kind: 'none' }
  const asked = { subjectAltNames, ...(sni === undefined ? {} : { serverName: sni }) }
  if (mode === 'ISTIO_MUTUAL') return { kind: 'mesh', ...asked }
  const isMutual = clientCertificate !== undefined && privateKey !== undefined
  return {
    kind: 'files',
    ...asked,
    authority: authorityOf(spec),
    ...(isMutual ? { certificate: { chain: clientCertificate, key: privateKey } } : {}),
  }
}

function authorityOf({ insecureSkipVerify, caCertificates = 'system' }: ClientTlsSpec) {
  if (insecureSkipVerify) return { kind: 'unchecked' } as const
  return caCertificates === 'system' ? ({ kind: 'system' } as const) : ({ kind: 'file', path: caCertificates } as const)
}
