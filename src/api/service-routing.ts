import { z } from 'zod'
import { requestConditions } from './request-conditions.ts'
import { type Rule, withRules } from './rules.ts'
import { durationSchema } from './schema.ts'
import { labelMatches, MAX_NAMES, meetsText, presenceMatches, type TextMatch, textMatchSchema } from './text-match.ts'

/** Fields of `spec.service` that every HTTP route of the Canary carries, in the words of Istio. */

const requestMatchSchema = z.object({
  ...requestConditions,
  headers: presenceMatches.optional().describe('Headers by name, all of which must match; {} asks for presence.'),
  queryParams: presenceMatches.optional().describe('Query parameters by name, all of which must match.'),
  sourceLabels: labelMatches.optional().describe('Labels of the pods that call.'),
})

const headerValues = z.record(z.string().max(253), z.string().max(4096)).meta({ maxProperties: MAX_NAMES })
const names = z.array(z.string().min(1).max(253)).max(32)

const headerEditsSchema = z.object({
  set: headerValues.optional().describe('Headers that get this value in place of theirs.'),
  add: headerValues.optional().describe('Values that are added to those that a header has.'),
  remove: names.optional().describe('Headers that are taken away.'),
})

const corsPolicySchema = z.object({
  allowOrigins: z.array(textMatchSchema).max(32).optional().describe('Origins that may ask.'),
  allowMethods: names.optional().describe('Methods that they may use.'),
  allowHeaders: names.optional().describe('Headers that they may send.'),
  exposeHeaders: names.optional().describe('Headers of the answer that their scripts may read.'),
  maxAge: durationSchema.optional().describe('Time for which a browser remembers the policy.'),
  allowCredentials: z.boolean().optional().describe('Whether they may send cookies and credentials.'),
})

const rewriteSchema = withRules(
  z.object({
    uri: z.string().min(1).max(2048).optional().describe('In place of the path, or of the prefix that matched.'),
    authority: z.string().min(1).max(253).optional().describe('In place of the host.'),
  }),
  [
    {
      cel: 'has(self.uri) || has(self.authority)',
      message: 'uri or authority must say what is rewritten',
      holds: ({ uri, authority }) => uri !== undefined || authority !== undefined,
    },
  ],
)

export const routingFields = {
  match: z
    .array(requestMatchSchema)
    .min(1)
    .max(16)
    .optional()
    .describe('Requests that are routed at all: those that meet one of these; all when absent.'),
  rewrite: rewriteSchema.optional().describe('What the workload sees of the address that was asked for.'),
  headers: z
    .object({
      request: headerEditsSchema.optional().describe('Before the request goes to the workload.'),
      response: headerEditsSchema.optional().describe('Before the answer goes to whoever asked.'),
    })
    .optional()
    .describe('Headers that are set, added and removed on the way.'),
  corsPolicy: corsPolicySchema.optional().describe('Which other sites may ask from a browser (CORS).'),
  delegation: z
    .boolean()
    .optional()
    .describe('Another VirtualService delegates to that of the Service, which has no hosts and gateways of its own.'),
} as const

interface Delegate {
  readonly delegation?: boolean | undefined
  readonly hosts?: readonly string[] | undefined
  readonly gateways?: readonly string[] | undefined
}

export const serviceRules: readonly Rule<Delegate>[] = [
  {
    cel: '!has(self.delegation) || !self.delegation || ((!has(self.hosts) || self.hosts.size() == 0) && (!has(self.gateways) || self.gateways.size() == 0))',
    message: 'hosts and gateways belong to the VirtualService that delegates: leave them out',
    field: 'delegation',
    holds: ({ delegation, hosts = [], gateways = [] }) => !delegation || hosts.length + gateways.length === 0,
  },
]

interface Mirrored {
  readonly service: { readonly match?: readonly { readonly method?: TextMatch | undefined }[] | undefined }
  readonly analysis: { readonly mirror: boolean; readonly mirrorMethods: readonly string[] }
}

const meetsMethod = [
  '!has(item.method)',
  'has(item.method.exact) && item.method.exact == method',
  'has(item.method.prefix) && method.startsWith(item.method.prefix)',
  'has(item.method.suffix) && method.endsWith(item.method.suffix)',
  "has(item.method.regex) && method.matches('^(' + item.method.regex + ')$')",
].join(') || (')

/** A step that copies no request would wait for ever. */
export const mirroredRule: Rule<Mirrored> = {
  cel: `!self.analysis.mirror || !has(self.service.match) || self.service.match.exists(item, self.analysis.mirrorMethods.exists(method, (${meetsMethod})))`,
  message: 'service.match takes none of the mirrorMethods, so nothing can be mirrored: set mirror to false',
  field: 'analysis',
  holds: ({ service: { match }, analysis: { mirror, mirrorMethods } }) =>
    !mirror ||
    match === undefined ||
    match.some(({ method }) => method === undefined || mirrorMethods.some((name) => meetsText(method, name))),
}

export type ServiceMatch = z.output<typeof requestMatchSchema>
