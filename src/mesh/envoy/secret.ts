import { SecretSchema } from './api.ts'
import { pack } from './messages.ts'
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

type SecretType = NonNullable<Parameters<typeof pack<typeof SecretSchema>>[1]['type']>

function secret(name: string, type: SecretType): EnvoyResource {
  return { type: 'secret', name, message: pack(SecretSchema, { name, type }), clusters: [], needs: [] }
}

const inline = (text: string) => ({ specifier: { case: 'inlineString' as const, value: text } })
