import { z } from 'zod'
import { caCrl, text } from './supported-values.ts'

const isAbsolute = (path: string): boolean => path.startsWith('/')
const path = text.refine(isAbsolute, 'must be the absolute path of a file that the proxy can read')

const settings = z.strictObject({
  mode: z.enum(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']),
  clientCertificate: path.optional(),
  privateKey: path.optional(),
  /** `system` is the roots that browsers know. */
  caCertificates: z.union([z.literal('system'), path]).optional(),
  subjectAltNames: z.array(text).default([]),
  sni: text.optional(),
  insecureSkipVerify: z.boolean().default(false),
  /** A Secret of the proxy's namespace. */
  credentialName: text.optional(),
  caCrl,
})

type Said = z.output<typeof settings>
type Field = Exclude<keyof Said, 'mode'>

/** Of the certificate that the proxy shows. */
const files = ['clientCertificate', 'privateKey'] as const
const ofServers = ['sni', 'subjectAltNames', 'caCertificates', 'insecureSkipVerify', 'credentialName'] as const

const ofMode: Readonly<Record<Said['mode'], readonly Field[]>> = {
  DISABLE: [],
  ISTIO_MUTUAL: ['sni', 'subjectAltNames'],
  SIMPLE: ofServers,
  MUTUAL: [...ofServers, ...files],
}

const isSaid = (said: Said, field: Field): boolean => {
  const value = said[field]
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
}

/** What Istio refuses is refused: a field that another field makes idle. */
export const clientTls = settings.check(({ value: said, issues }) => {
  const refuse = (field: Field, message: string, code?: 'MissingField') =>
    issues.push({ code: 'custom', input: said, path: [field], message, ...(code ? { params: { code } } : {}) })
  const fields: readonly Field[] = ofMode.MUTUAL
  for (const field of fields.filter((each) => isSaid(said, each) && !ofMode[said.mode].includes(each))) {
    refuse(field, `is not for mode ${said.mode}`)
  }
  const isInSecret = isSaid(said, 'credentialName')
  for (const field of files) {
    if (said.mode === 'MUTUAL' && !isInSecret && !isSaid(said, field)) {
      refuse(field, 'must be given for mode MUTUAL, or credentialName', 'MissingField')
    }
  }
  for (const field of [...files, 'caCertificates'] as const) {
    if (isInSecret && isSaid(said, field)) refuse(field, 'cannot be beside credentialName: the Secret holds it')
  }
  for (const field of idleUnchecked(said)) {
    if (isSaid(said, field)) refuse(field, 'cannot be beside insecureSkipVerify, with which nothing is checked')
  }
})

/** A Secret holds the authority alone, unless the proxy shows a certificate. */
const idleUnchecked = ({ mode, insecureSkipVerify }: Said): readonly Field[] => {
  if (!insecureSkipVerify) return []
  return ['caCertificates', 'subjectAltNames', ...(mode === 'SIMPLE' ? (['credentialName'] as const) : [])]
}

export type ClientTlsSpec = Said
