import { z } from 'zod'
import { failure, type Result, success } from '../../base/index.ts'
import { readSpec } from '../istio/index.ts'
import { injectionSettingsSchema } from './settings.ts'

const operatorSchema = z.looseObject({
  apiVersion: z.literal('install.istio.io/v1alpha1'),
  kind: z.literal('IstioOperator'),
  spec: z.unknown(),
})

const { concurrency, resources } = injectionSettingsSchema.shape

/** The settings that this mesh has, too; any other is named and refused. */
const specSchema = z.strictObject({
  profile: z.enum(['default', 'demo']).optional(),
  meshConfig: z
    .strictObject({
      accessLogFile: z.enum(['', '/dev/stdout']).optional(),
      accessLogEncoding: z.literal('JSON').optional(),
      defaultConfig: z
        .strictObject({
          concurrency: concurrency.unwrap().optional(),
          tracing: z.strictObject({ sampling: z.number().min(0).max(100).optional() }).optional(),
        })
        .optional(),
    })
    .optional(),
  values: z
    .strictObject({
      global: z
        .strictObject({ proxy: z.strictObject({ resources: resources.unwrap().optional() }).optional() })
        .optional(),
    })
    .optional(),
})

/** An IstioOperator as values of the chart; the failure names every field that they have no place for. */
export function valuesOfOperator(document: unknown): Result<{ readonly mesh: object }> {
  const operator = operatorSchema.safeParse(document)
  if (!operator.success) return failure('must be an IstioOperator of install.istio.io/v1alpha1')
  const spec = readSpec(specSchema, operator.data.spec ?? {}, 'this mesh does not support the field')
  if (!spec.ok) return spec
  const { meshConfig, values, profile } = spec.value
  const injection = {
    ...optional('concurrency', meshConfig?.defaultConfig?.concurrency),
    ...optional('resources', values?.global?.proxy?.resources),
  }
  const log = meshConfig?.accessLogFile ?? (profile === 'demo' ? '/dev/stdout' : undefined)
  const sampling = meshConfig?.defaultConfig?.tracing?.sampling ?? (profile === 'demo' ? 100 : undefined)
  return success({
    mesh: {
      ...(log === undefined ? {} : { accessLog: log !== '' }),
      ...(sampling === undefined ? {} : { tracing: { sampling } }),
      ...(Object.keys(injection).length === 0 ? {} : { injection }),
    },
  })
}

const optional = <Key extends string, T>(key: Key, value: T | undefined): { readonly [K in Key]?: T } | object =>
  value === undefined ? {} : { [key]: value }
