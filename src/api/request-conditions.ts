import { z } from 'zod'
import type { Rule } from './rules.ts'
import { presenceMatches, textMatchSchema } from './text-match.ts'

/** Conditions of an item of `match` beside its headers, query parameters and labels, in the words of Istio. */
export const requestConditions = {
  name: z.string().max(253).optional().describe('Name for logs.'),
  uri: textMatchSchema.optional().describe('Path of the request.'),
  scheme: textMatchSchema.optional().describe('Scheme of the request.'),
  method: textMatchSchema.optional().describe('Method of the request.'),
  authority: textMatchSchema.optional().describe('Host that is asked for.'),
  withoutHeaders: presenceMatches.optional().describe('Headers by name, none of which may match.'),
  port: z.int().min(1).max(65535).optional().describe('Port the request came to.'),
  sourceNamespace: z.string().max(63).optional().describe('Namespace of the pods that call.'),
  gateways: z.array(z.string().max(253)).max(32).optional().describe('Gateways that the condition counts for.'),
  ignoreUriCase: z.boolean().optional().describe('Compare the path without regard to case.'),
} as const

/** Conditions of which a request can be held to one only. */
export const singleConditions = ['uri', 'scheme', 'method', 'authority', 'port', 'sourceNamespace', 'gateways'] as const

type Item = { readonly [name in (typeof singleConditions)[number]]?: unknown }

interface Matching {
  readonly service: { readonly match?: readonly Item[] | undefined }
  readonly analysis: { readonly match?: readonly Item[] | undefined }
}

const notInBoth = singleConditions
  .map(
    (name) =>
      `!(self.analysis.match.exists(one, has(one.${name})) && self.service.match.exists(one, has(one.${name})))`,
  )
  .join(' && ')

const names = (items: readonly Item[] | undefined, name: keyof Item): boolean =>
  items?.some((item) => item[name] !== undefined) ?? false

/** Requests are held to an item of each, and the two are written as one. */
export const matchesRule: Rule<Matching> = {
  cel: `!has(self.analysis.match) || !has(self.service.match) || (${notInBoth})`,
  message: `each of ${singleConditions.join(', ')} may be named by service.match or by analysis.match, not by both`,
  field: 'analysis',
  holds: ({ service, analysis }) =>
    singleConditions.every((name) => !(names(analysis.match, name) && names(service.match, name))),
}
