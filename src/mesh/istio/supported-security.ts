import { z } from 'zod'
import { parseJson } from '../../base/index.ts'
import type { Attribute } from '../model/index.ts'
import { attributeOf } from './authorization-attribute.ts'
import { addressRange, longerThanZero, refused } from './supported-values.ts'

/** The part of Istio's security objects that this mesh carries out; strict, so that nothing is accepted without effect. */
const text = z.string().min(1)
const texts = z.array(text).optional()

const byLabels = 'choose workloads by selector.matchLabels'
const byNamespaces = 'name principals or namespaces; identities of other trust domains are not accepted'

export const workloadSelector = z.strictObject({ matchLabels: z.record(z.string(), z.string()).default({}) }).optional()

const mode = z.enum(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT']).default('UNSET')
const mtls = z.strictObject({ mode }).optional()

const isPort = (text: string): boolean => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535
const isPortKey = (ports: Readonly<Record<string, unknown>>): boolean => Object.keys(ports).every(isPort)

export const peerAuthenticationSpec = z
  .strictObject({
    selector: workloadSelector,
    mtls,
    portLevelMtls: z.record(z.string(), z.strictObject({ mode })).refine(isPortKey, 'must name ports').default({}),
  })
  .default({ portLevelMtls: {} })
  .refine((spec) => Object.keys(spec.portLevelMtls).length === 0 || hasLabels(spec.selector), {
    path: ['portLevelMtls'],
    message: 'needs a selector: ports are those of a workload',
  })

export const hasLabels = (selected: z.output<typeof workloadSelector>): boolean =>
  Object.keys(selected?.matchLabels ?? {}).length > 0

const ips = z.array(addressRange).optional()
const portText = text.refine(isPort, 'must be a port')
const ports = z.array(portText).optional()

const isPattern = (value: string): boolean => !value.slice(1, -1).includes('*') && value !== '**'
const patternForm = 'may have * only at its start or at its end'
const pattern = text.refine(isPattern, patternForm)
const patterns = z.array(pattern).optional()

/** Of a path: `{*}` is one part of it, `{**}` any number of them. */
const isTemplate = (value: string): boolean => /[{}]/.test(value)
const templateForm =
  'must have {*} in the place of whole parts, and {**} at most once, as the last: "/shops/{*}/items/{**}"'

function isRightTemplate(value: string): boolean {
  const operators = value.split('/').filter((part) => /[*{}]/.test(part))
  const isRight = (part: string, index: number) => part === '{*}' || (part === '{**}' && index === operators.length - 1)
  return value.startsWith('/') && operators.every(isRight)
}

const path = text.refine((value) => (isTemplate(value) ? isRightTemplate : isPattern)(value), {
  error: ({ input }) => (isTemplate(String(input)) ? templateForm : patternForm),
})
const paths = z.array(path).optional()
const account = text.regex(/^[^*/]+(\/[^*/]+)?$/, 'must be ACCOUNT or NAMESPACE/ACCOUNT')

const isNotEmpty = (value: object): boolean =>
  Object.values(value).some((list) => list !== undefined && list.length > 0)

const source = z
  .strictObject({
    principals: patterns,
    notPrincipals: patterns,
    requestPrincipals: patterns,
    notRequestPrincipals: patterns,
    namespaces: patterns,
    notNamespaces: patterns,
    serviceAccounts: z.array(account).optional(),
    notServiceAccounts: z.array(account).optional(),
    ipBlocks: ips,
    notIpBlocks: ips,
    remoteIpBlocks: ips,
    notRemoteIpBlocks: ips,
    trustDomains: refused(byNamespaces),
    notTrustDomains: refused(byNamespaces),
  })
  .refine(isNotEmpty, 'must name something')

const operation = z
  .strictObject({
    hosts: patterns,
    notHosts: patterns,
    ports,
    notPorts: ports,
    methods: patterns,
    notMethods: patterns,
    paths,
    notPaths: paths,
  })
  .refine(isNotEmpty, 'must name something')

const conditionKey = text.refine((key) => attributeOf(key) !== undefined, {
  error: ({ input }) => `this mesh does not know ${String(input)}`,
  params: { code: 'UnsupportedField' },
})

/** What the values of an attribute must be; Envoy refuses a whole listener for an address that is none. */
const valuesOf: Readonly<Partial<Record<Attribute['kind'], z.ZodType>>> = {
  ...{ directIp: addressRange, remoteIp: addressRange, destinationIp: addressRange },
  ...{ port: portText, serviceAccount: account },
}

const condition = z
  .strictObject({ key: conditionKey, values: texts, notValues: texts })
  .refine(({ values, notValues }) => isNotEmpty({ values, notValues }), 'must have values or notValues')
  .check(({ value: said, issues }) => {
    const schema = valuesOf[attributeOf(said.key)?.kind ?? 'header']
    for (const list of ['values', 'notValues'] as const) {
      for (const [index, value] of (said[list] ?? []).entries()) {
        const message = schema?.safeParse(value).error?.issues[0]?.message
        if (message !== undefined) issues.push({ code: 'custom', input: value, path: [list, index], message })
      }
    }
  })

const rule = z.strictObject({
  from: z.array(z.strictObject({ source })).default([]),
  to: z.array(z.strictObject({ operation })).default([]),
  when: z.array(condition).default([]),
})

export const authorizationPolicySpec = z
  .strictObject({
    selector: workloadSelector,
    action: z.enum(['ALLOW', 'DENY', 'AUDIT'], 'must be ALLOW, DENY or AUDIT: this mesh has no other').default('ALLOW'),
    rules: z.array(rule).default([]),
    provider: refused('decide by rules; no other process is asked'),
    targetRef: refused(byLabels),
    targetRefs: refused(byLabels),
  })
  .default({ action: 'ALLOW', rules: [] })

const isHeader = /^[\w!#$%&'*+.^`|~-]+$/
export const headerName = text.regex(isHeader, 'must be the name of a header')
const url = z.url({ protocol: /^https?$/, error: 'must be a URL of http or https' })

const jwtRule = z
  .strictObject({
    issuer: text,
    audiences: z.array(text).default([]),
    jwksUri: url.optional(),
    jwks: text.optional(),
    fromHeaders: z.array(z.strictObject({ name: headerName, prefix: z.string().default('') })).default([]),
    fromParams: z.array(text).default([]),
    fromCookies: z.array(text).default([]),
    outputPayloadToHeader: headerName.optional(),
    forwardOriginalToken: z.boolean().default(false),
    outputClaimToHeaders: z.array(z.strictObject({ header: headerName, claim: text })).default([]),
    timeout: longerThanZero.optional(),
    jwks_uri: refused('write jwksUri'),
    spaceDelimitedClaims: refused('compare the whole text of the claim, or have the issuer write a list'),
  })
  .refine(({ jwks, jwksUri }) => jwks === undefined || jwksUri === undefined, 'cannot have jwks and jwksUri')
  .refine(({ jwks }) => jwks === undefined || isKeySet(jwks), {
    path: ['jwks'],
    message: 'must be a JSON Web Key Set with an RSA, EC or OKP key',
  })

export const requestAuthenticationSpec = z
  .strictObject({
    selector: workloadSelector,
    jwtRules: z.array(jwtRule).default([]),
    targetRef: refused(byLabels),
    targetRefs: refused(byLabels),
  })
  .default({ jwtRules: [] })

const key = z.union([
  z.looseObject({ kty: z.literal('RSA'), n: text, e: text }),
  z.looseObject({ kty: z.literal('EC'), crv: z.enum(['P-256', 'P-384', 'P-521']), x: text, y: text }),
  z.looseObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: text }),
])
const keySet = z.looseObject({
  keys: z.array(z.unknown()).refine((keys) => keys.some((each) => key.safeParse(each).success)),
})

/** Envoy refuses a whole listener for a set without a usable key. */
export const isKeySet = (json: string): boolean => keySet.safeParse(parseJson(json)).success

export type PeerAuthenticationSpec = z.output<typeof peerAuthenticationSpec>
export type AuthorizationPolicySpec = z.output<typeof authorizationPolicySpec>
export type AuthorizationRuleSpec = AuthorizationPolicySpec['rules'][number]
export type JwtRuleSpec = z.output<typeof jwtRule>
export type SelectorSpec = z.output<typeof workloadSelector>
