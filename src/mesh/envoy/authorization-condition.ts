import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Attribute, Condition } from '../model/index.ts'
import type {
  CidrRangeSchema,
  HeaderMatcherSchema,
  MetadataMatcherSchema,
  PermissionSchema,
  PrincipalSchema,
} from './api.ts'
import { patternMatcher, type TextPattern } from './text-pattern.ts'
import { payloadKey, tokenFilter } from './tokens.ts'

export type { Condition } from '../model/index.ts'

type Principal = MessageInitShape<typeof PrincipalSchema>
type Permission = MessageInitShape<typeof PermissionSchema>
type Header = MessageInitShape<typeof HeaderMatcherSchema>
type Metadata = MessageInitShape<typeof MetadataMatcherSchema>

const ofRequest: ReadonlySet<Attribute['kind']> = new Set(['host', 'method', 'path', 'port', 'destinationIp', 'sni'])
const ofHttp: ReadonlySet<Attribute['kind']> = new Set([
  ...(['requestPrincipal', 'claim', 'header', 'host', 'method', 'path'] as const),
])

/** Envoy asks for callers and for requests in two places. */
export const isOfCaller = ({ attribute }: Condition): boolean => !ofRequest.has(attribute.kind)

/** What a connection that is not HTTP does not have. */
export const isOfHttp = ({ attribute }: Condition): boolean => ofHttp.has(attribute.kind)

export function principalOf({ attribute, values, notValues }: Condition): Principal {
  const one = (value: string) => callerMatch(attribute, value)
  const none: Principal[] =
    notValues.length === 0 ? [] : [{ identifier: { case: 'notId', value: either(notValues.map(one)) } }]
  const ids = [...(values.length === 0 ? [] : [either(values.map(one))]), ...none]
  return ids.length === 1 ? (ids[0] ?? nobody) : both(ids)
}

const nobody: Principal = { identifier: { case: 'notId', value: { identifier: { case: 'any', value: true } } } }
const either = (ids: Principal[]): Principal => ({ identifier: { case: 'orIds', value: { ids } } })
const both = (ids: Principal[]): Principal => ({ identifier: { case: 'andIds', value: { ids } } })

function callerMatch(attribute: Attribute, value: string): Principal {
  switch (attribute.kind) {
    case 'principal':
      return principalMatch(value)
    case 'namespace':
      return byCertificate({ kind: 'regex', value: `.*/ns/${globToRegex(value)}/.*` })
    case 'serviceAccount':
      return byCertificate({ kind: 'suffix', value: `/ns/${value.replace('/', '/sa/')}` })
    case 'directIp':
      return { identifier: { case: 'directRemoteIp', value: range(value) } }
    case 'remoteIp':
      return { identifier: { case: 'remoteIp', value: range(value) } }
    case 'requestPrincipal':
      return either(requestPrincipals(value).map(both))
    case 'claim':
      return claimMatch(attribute.path, value)
    case 'header':
      return { identifier: { case: 'header', value: headerMatch(attribute.name, value) } }
    default:
      return nobody
  }
}

const byCertificate = (pattern: TextPattern): Principal => ({
  identifier: { case: 'authenticated', value: { principalName: patternMatcher(pattern) } },
})

/** The certificate's URI is the principal after `spiffe://`. Over TLS without a certificate nobody is anybody. */
function principalMatch(value: string): Principal {
  const pattern = readPattern(value)
  return byCertificate(pattern.kind === 'suffix' ? pattern : { ...pattern, value: `spiffe://${pattern.value}` })
}

/**
 * A principal is issuer, slash, subject, and both may have slashes: each slash of the pattern may be the one between
 * them, and a pattern with a star may also be about one of the two alone.
 */
function requestPrincipals(value: string): readonly Principal[][] {
  const { kind, value: text } = readPattern(value)
  const pair = (issuer: TextPattern, subject: TextPattern) => [claim(['iss'], issuer), claim(['sub'], subject)]
  if (kind === 'present') return [pair({ kind, value: '' }, { kind, value: '' })]
  const slashes = [...text].flatMap((character, index) => (character === '/' ? [index] : []))
  const split = slashes.map((at) =>
    pair(
      { kind: kind === 'suffix' ? 'suffix' : 'exact', value: text.slice(0, at) },
      { kind: kind === 'prefix' ? 'prefix' : 'exact', value: text.slice(at + 1) },
    ),
  )
  const present: TextPattern = { kind: 'present', value: '' }
  if (kind === 'prefix') return [pair({ kind, value: text }, present), ...split]
  return kind === 'suffix' ? [pair(present, { kind, value: text }), ...split] : nonEmpty(split)
}

/** Without a slash it is nobody's. */
const nonEmpty = (matches: Principal[][]): Principal[][] => (matches.length === 0 ? [[nobody]] : matches)

const claim = (path: readonly string[], pattern: TextPattern): Principal => ({
  identifier: {
    case: 'metadata',
    value: claimMetadata(path, { matchPattern: { case: 'stringMatch', value: patternMatcher(pattern) } }),
  },
})

const claimMetadata = (path: readonly string[], value: NonNullable<Metadata['value']>): Metadata => ({
  filter: tokenFilter,
  path: [payloadKey, ...path].map((key) => ({ segment: { case: 'key' as const, value: key } })),
  value,
})

/** A claim is a text or a list of texts. */
function claimMatch(path: readonly string[], value: string): Principal {
  const matcher = patternMatcher(readPattern(value))
  const listed = claimMetadata(path, {
    matchPattern: {
      case: 'listMatch',
      value: {
        matchPattern: { case: 'oneOf', value: { matchPattern: { case: 'stringMatch', value: matcher } } },
      },
    },
  })
  return either([claim(path, readPattern(value)), { identifier: { case: 'metadata', value: listed } }])
}

export function permissionOf({ attribute, values, notValues }: Condition): Permission {
  const one = (value: string) => requestMatch(attribute, value)
  const any = (rules: Permission[]): Permission => ({ rule: { case: 'orRules', value: { rules } } })
  const none: Permission[] =
    notValues.length === 0 ? [] : [{ rule: { case: 'notRule', value: any(notValues.map(one)) } }]
  const rules = [...(values.length === 0 ? [] : [any(values.map(one))]), ...none]
  return rules.length === 1 ? (rules[0] ?? never) : { rule: { case: 'andRules', value: { rules } } }
}

const never: Permission = { rule: { case: 'notRule', value: { rule: { case: 'any', value: true } } } }

function requestMatch(attribute: Attribute, value: string): Permission {
  switch (attribute.kind) {
    case 'host':
      return { rule: { case: 'header', value: headerMatch(':authority', value, true) } }
    case 'method':
      return { rule: { case: 'header', value: headerMatch(':method', value) } }
    case 'path':
      return { rule: { case: 'urlPath', value: { rule: { case: 'path', value: patternMatcher(readPath(value)) } } } }
    case 'port':
      return { rule: { case: 'destinationPort', value: Number(value) } }
    case 'destinationIp':
      return { rule: { case: 'destinationIp', value: range(value) } }
    case 'sni':
      return { rule: { case: 'requestedServerName', value: patternMatcher(readPattern(value)) } }
    default:
      return never
  }
}

const headerMatch = (name: string, value: string, ignoreCase = false): Header =>
  value === '*'
    ? { name, headerMatchSpecifier: { case: 'presentMatch', value: true } }
    : { name, headerMatchSpecifier: { case: 'stringMatch', value: patternMatcher(readPattern(value), ignoreCase) } }

/** `a`, `a*`, `*a` or `*`. */
function readPattern(value: string): TextPattern {
  if (value === '*') return { kind: 'present', value: '' }
  if (value.startsWith('*')) return { kind: 'suffix', value: value.slice(1) }
  return value.endsWith('*') ? { kind: 'prefix', value: value.slice(0, -1) } : { kind: 'exact', value }
}

/** `{*}` stands for one part of the path, `{**}` for any number of them. */
const readPath = (value: string): TextPattern =>
  value.includes('{') ? { kind: 'regex', value: value.split('/').map(partToRegex).join('/') } : readPattern(value)

const partsOfTemplate: Readonly<Partial<Record<string, string>>> = { '{*}': '[^/]+', '{**}': '.*' }
const partToRegex = (part: string): string => partsOfTemplate[part] ?? literal(part)

const literal = (value: string): string => value.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
const globToRegex = (value: string): string => literal(value).replaceAll('*', '[^/]*')

function range(value: string): MessageInitShape<typeof CidrRangeSchema> {
  const [address = '', length] = value.split('/')
  const whole = address.includes(':') ? 128 : 32
  return {
    addressPrefix: address,
    prefixLen: length === undefined ? whole : Number(length),
  }
}
