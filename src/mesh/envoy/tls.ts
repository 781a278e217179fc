import { TlsProtocol } from './api.ts'

export const tlsVersions = {
  tlsMinimumProtocolVersion: TlsProtocol.TLSv1_2,
  tlsMaximumProtocolVersion: TlsProtocol.TLSv1_3,
}
