import { z } from 'zod'
import { text } from './supported-values.ts'

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
  credentialName: z
    .undefined({ error: 'this mesh reads Secrets for servers of Gateways only: name files that the proxy can read' })
    .optional(),
})

type Said = z.output<typeof settings>
type Field = Exclude<keyof Said, 'mode'>

const ofMode: Readonly<Record<Said['mode'], readonly Field[]>> = {
  DISABLE: [],
  ISTIO_MUTUAL: ['sni', 'subjectAltNames'],
  SIMPLE: ['sni', 'subjectAltNames', 'caCertificates', 'insecureSkipVerify'],
  MUTUAL: ['sni', 'subjectAltNames', 'caCertificates', 'insecureSkipVerify', 'clientCertificate', 'privateKey'],
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
  if (said.mode === 'MUTUAL') {
    for (const field of ['clientCertificate', 'privateKey'] as const) {
      if (said[field] === undefined) refuse(field, 'must be given for mode MUTUAL', 'MissingField')
    }
  }
  if (!said.insecureSkipVerify) return
  for (const field of ['caCertificates', 'subjectAltNames'] as const) {
    if (isSaid(said, field)) refuse(field, 'cannot be beside insecureSkipVerify, with which nothing is checked')
  }
})

export type ClientTlsSpec = Said
