import type { CredentialUse } from '../model/index.ts'
import { SecretSchema } from './api.ts'
import { encode } from './messages.ts'
import type { EnvoyResource } from './resource.ts'

/** The names under which a proxy asks for what is its own, and for the roots that count. Istio's. */
export const identitySecret = 'default'
export const trustSecret = 'ROOTCA'

/** A proxy's own certificate with its key; PEM texts. */
export const renderIdentity = (leaf: {
  readonly certificateChain: string
  readonly privateKey: string
}): EnvoyResource =>
  secret(identitySecret, {
    case: 'tlsCertificate',
    value: { certificateChain: inline(leaf.certificateChain), privateKey: inline(leaf.privateKey) },
  })

/** The roots that count; PEM. */
export const renderTrust = (roots: string): EnvoyResource =>
  secret(trustSecret, { case: 'validationContext', value: { trustedCa: inline(roots) } })

/** Istio's names for what stands in a Secret of the proxy's namespace. */
export const credentialSecret = ({ name, holds }: Pick<CredentialUse, 'name' | 'holds'>): string =>
  `kubernetes://${name}${holds === 'authority' ? '-cacert' : ''}`

/** What a Secret holds, PEM texts. */
export type Credential =
  | { readonly holds: 'certificate'; readonly certificateChain: string; readonly privateKey: string }
  | { readonly holds: 'authority'; readonly certificates: string }

export const renderCredential = (name: string, credential: Credential): EnvoyResource =>
  credential.holds === 'certificate'
    ? secret(credentialSecret({ name, holds: 'certificate' }), {
        case: 'tlsCertificate',
        value: { certificateChain: inline(credential.certificateChain), privateKey: inline(credential.privateKey) },
      })
    : secret(credentialSecret({ name, holds: 'authority' }), {
        case: 'validationContext',
        value: { trustedCa: inline(credential.certificates) },
      })

/** Istio's name for the roots that everybody knows. */
export const systemRootsSecret = 'file-root:system'

export const renderSystemRoots = (roots: string): EnvoyResource =>
  secret(systemRootsSecret, { case: 'validationContext', value: { trustedCa: inline(roots) } })

type SecretType = NonNullable<Parameters<typeof encode<typeof SecretSchema>>[1]['type']>

function secret(name: string, type: SecretType): EnvoyResource {
  return { type: 'secret', name, message: encode(SecretSchema, { name, type }), clusters: [], needs: [] }
}

const inline = (text: string) => ({ specifier: { case: 'inlineString' as const, value: text } })
