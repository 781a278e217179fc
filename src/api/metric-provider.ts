import { z } from 'zod'
import { type Rule, withRules } from './rules.ts'
import { intervalSchema, nameSchema, webAddressSchema } from './schema.ts'

/** Flagger's names where Flagger has the kind. */
const providerTypes = [
  'prometheus',
  'web',
  'datadog',
  'cloudwatch',
  'newrelic',
  'graphite',
  'stackdriver',
  'influxdb',
  'externalmetrics',
  'elasticsearch',
  'job',
] as const

type ProviderType = (typeof providerTypes)[number]

interface Described {
  readonly type: ProviderType
  readonly address?: string | undefined
  readonly secretRef?: object | undefined
  readonly headers?: object | undefined
  readonly region?: string | undefined
  readonly jsonPath?: string | undefined
  readonly range?: object | undefined
  readonly job?: object | undefined
}

const withAddress: readonly ProviderType[] = ['web', 'graphite', 'influxdb', 'elasticsearch']
const withSecret: readonly ProviderType[] = ['datadog', 'newrelic', 'stackdriver', 'influxdb', 'externalmetrics']
const withHeaders: readonly ProviderType[] = ['prometheus', 'web', 'elasticsearch']
const withJsonPath: readonly ProviderType[] = ['web', 'elasticsearch']

const list = (types: readonly ProviderType[]): string => `[${types.map((type) => `'${type}'`).join(', ')}]`

type Field = Exclude<keyof Described, 'type'>

const needs = (field: Field, types: readonly ProviderType[]): Rule<Described> => ({
  cel: `!(self.type in ${list(types)}) || has(self.${field})`,
  message: `${field} must be set for ${types.join(', ')}`,
  field,
  holds: (provider) => !types.includes(provider.type) || provider[field] !== undefined,
})

const belongsTo = (field: Field, types: readonly ProviderType[]): Rule<Described> => ({
  cel: `!has(self.${field}) || self.type in ${list(types)}`,
  message: `${field} is only for ${types.join(', ')}`,
  field,
  holds: (provider) => provider[field] === undefined || types.includes(provider.type),
})

const providerRules: readonly Rule<Described>[] = [
  needs('address', withAddress),
  needs('secretRef', withSecret),
  {
    cel: "self.type != 'prometheus' || !has(self.secretRef) || has(self.address)",
    message: 'address must be set beside secretRef: credentials go to no server that the template does not name',
    field: 'address',
    holds: ({ type, secretRef, address }) => type !== 'prometheus' || secretRef === undefined || address !== undefined,
  },
  needs('region', ['cloudwatch']),
  needs('jsonPath', withJsonPath),
  needs('job', ['job']),
  belongsTo('headers', withHeaders),
  belongsTo('region', ['cloudwatch']),
  belongsTo('jsonPath', withJsonPath),
  belongsTo('range', ['prometheus']),
  belongsTo('job', ['job']),
  {
    cel: "self.type != 'job' || (!has(self.address) && !has(self.secretRef))",
    message: 'a job has neither address nor secretRef: its pods name what they need',
    field: 'job',
    holds: ({ type, address, secretRef }) => type !== 'job' || (address ?? secretRef) === undefined,
  },
]

const jobSchema = z.object({
  result: z
    .enum(['exitStatus', 'number'])
    .default('exitStatus')
    .describe(
      '`exitStatus`: 1 when the Job completes, 0 when it fails. `number`: the last line of the termination message of its pod.',
    ),
  timeout: intervalSchema.default('1m').describe('Time after which the Job is ended, without a result.'),
  spec: z
    .record(z.string(), z.unknown())
    .describe('Spec of the Job (batch/v1); names in {{ }} are filled in wherever they stand.'),
})

export const metricProviderSchema = withRules(
  z.object({
    type: z.enum(providerTypes).describe('Kind of metric server.'),
    address: webAddressSchema
      .optional()
      .describe('Address of the server; for prometheus that of the Canary or controller when absent.'),
    secretRef: z
      .object({ name: nameSchema.describe('Name of the Secret, in the namespace of the template.') })
      .optional()
      .describe('Secret with the credentials; its keys depend on the type.'),
    headers: z
      .record(z.string().max(128), z.array(z.string().max(4096)).max(8))
      .optional()
      .describe('Further headers of the question, such as X-Scope-OrgID; no credentials.'),
    region: z.string().min(1).max(63).optional().describe('AWS region.'),
    insecureSkipVerify: z.boolean().optional().describe('Trust any certificate of the server.'),
    jsonPath: z
      .string()
      .min(1)
      .max(512)
      .optional()
      .describe('Place of the number in the answer, such as `data.items[0].value`.'),
    range: z
      .object({ step: intervalSchema.describe('Time between two points, at least 1s.') })
      .optional()
      .describe('Ask for the whole window, and take the newest point of it.'),
    job: jobSchema.optional().describe('Job that is run for each check, in the namespace of the Canary.'),
  }),
  providerRules,
)

/** The server of a MetricTemplate. */
export type MetricProviderSpec = z.output<typeof metricProviderSchema>
