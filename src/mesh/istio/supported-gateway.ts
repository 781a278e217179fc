import { z } from 'zod'
import { caCrl, labels, port, refused, text } from './supported-values.ts'

/** The part of a Gateway that this mesh carries out; strict, so that nothing is accepted without effect. */
const versions = ['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'] as const
const version = z.enum(versions).default('TLS_AUTO')

/** Envoy refuses a whole listener for one name that it does not know. TLS 1.3 has its own, which cannot be chosen. */
export const cipherSuites = [
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ...['ECDHE-ECDSA-AES128-SHA', 'ECDHE-RSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA', 'ECDHE-RSA-AES256-SHA'],
  ...['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-SHA', 'AES256-SHA'],
] as const

const supportedModes = ['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL'] as const
const mode = z.enum(supportedModes, {
  error: ({ input }) => `must be one of ${supportedModes.join(', ')}: this mesh does not support ${String(input)}`,
})

/** Istio's names of files in the gateway; a Secret is read instead. */
const noFile = z.undefined({ error: 'this mesh does not read files: name a Secret in credentialName' })

const oneSecret = 'name one Secret in credentialName; it holds tls.crt, tls.key and for MUTUAL ca.crt'
const clientsAreVerified = 'leave it out; mode MUTUAL verifies clients by ca.crt of the Secret and by subjectAltNames'

const otherTls = {
  credentialNames: refused(oneSecret),
  caCertCredentialName: refused(oneSecret),
  tlsCertificates: refused(oneSecret),
  caCrl,
  insecureSkipVerify: refused('write mode SIMPLE, or OPTIONAL_MUTUAL for clients that may show a certificate'),
  verifyCertificateHash: refused(clientsAreVerified),
  verifyCertificateSpki: refused(clientsAreVerified),
}

const tls = z
  .strictObject({
    mode: mode.optional(),
    credentialName: text
      .refine((name) => !name.includes('/'), 'must be the name of a Secret in the namespace of the gateway')
      .optional(),
    httpsRedirect: z.boolean().default(false),
    serverCertificate: noFile.optional(),
    privateKey: noFile.optional(),
    caCertificates: noFile.optional(),
    ...otherTls,
    subjectAltNames: z.array(text).default([]),
    minProtocolVersion: version,
    maxProtocolVersion: version,
    cipherSuites: z.array(z.enum(cipherSuites, 'must be a cipher suite of TLS 1.2 that Envoy knows')).default([]),
  })
  // Envoy asks every client for a certificate once names are given.
  .refine((said) => said.mode === 'MUTUAL' || said.subjectAltNames.length === 0, {
    path: ['subjectAltNames'],
    message: 'are of clients that must show certificates: mode MUTUAL',
  })
  .refine((said) => said.mode !== undefined || !saysHowToSpeak(said), {
    path: ['mode'],
    message: 'must be given beside other settings of TLS',
    params: { code: 'MissingField' },
  })
  .refine((said) => rank(said.maxProtocolVersion, 3) >= rank(said.minProtocolVersion, 2), {
    path: ['maxProtocolVersion'],
    message: 'must not be below minProtocolVersion (TLSV1_2 where that is not given)',
  })

const saysHowToSpeak = (said: {
  readonly credentialName?: string | undefined
  readonly minProtocolVersion: string
  readonly maxProtocolVersion: string
  readonly cipherSuites: readonly string[]
}): boolean =>
  said.credentialName !== undefined ||
  said.minProtocolVersion !== 'TLS_AUTO' ||
  said.maxProtocolVersion !== 'TLS_AUTO' ||
  said.cipherSuites.length > 0

const rank = (said: (typeof versions)[number], automatic: number): number =>
  said === 'TLS_AUTO' ? automatic : versions.indexOf(said) - 1

const serverHost = text.regex(
  /^((\*|\.|[a-z0-9]([a-z0-9-]*[a-z0-9])?)\/)?(\*|(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)$/,
  'must be a host name, perhaps after a namespace and a slash; * may stand for all of it or for its first part',
)

const server = z
  .strictObject({
    port: z.strictObject({
      number: port,
      name: z.string(),
      protocol: z.enum(['HTTP', 'HTTP2', 'GRPC', 'HTTPS', 'TCP']),
      targetPort: refused(
        'the gateway listens on number; lead the port of its Service there by targetPort of the Service',
      ),
    }),
    hosts: z.array(serverHost).min(1),
    name: z.string().optional(),
    tls: tls.optional(),
    bind: refused('leave it out; the gateway listens on the address of its pod'),
    defaultEndpoint: refused('lead requests on by a VirtualService that names this Gateway'),
  })
  .refine(({ port: { protocol }, tls: said }) => protocol !== 'HTTPS' || said?.mode !== undefined, {
    path: ['tls', 'mode'],
    message: 'must be given for protocol HTTPS',
    params: { code: 'MissingField' },
  })
  .refine(({ tls: said }) => said?.mode === undefined || said.credentialName !== undefined, {
    path: ['tls', 'credentialName'],
    message: 'must name a Secret in the namespace of the gateway',
    params: { code: 'MissingField' },
  })
  .refine(({ port: { protocol }, tls: said }) => protocol === 'HTTPS' || said?.mode === undefined, {
    path: ['tls', 'mode'],
    message: 'is for protocol HTTPS',
  })
  .refine(({ port: { protocol }, tls: said }) => protocol !== 'HTTPS' || said?.httpsRedirect !== true, {
    path: ['tls', 'httpsRedirect'],
    message: 'is for protocol HTTP',
  })

export const gatewaySpec = z.strictObject({
  selector: labels.default({}),
  servers: z
    .array(server)
    .min(1)
    .refine((servers) => new Set(servers.map((each) => each.port.name)).size === servers.length, {
      message: 'must have ports with different names',
    }),
})

export type GatewayServerSpec = z.output<typeof server>
