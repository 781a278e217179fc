import type { z } from 'zod'
import { failure, type Result, success } from '../base/index.ts'
import { type AlertProvider, alertProviderSchema } from './alert-provider.ts'
import { type Canary, canarySchema } from './canary.ts'
import { type ImagePolicy, imagePolicySchema } from './image-policy.ts'
import { type MetricTemplate, metricTemplateSchema } from './metric-template.ts'

/** Reads an object from outside: fills defaults, checks every rule; the error names each bad field by its path. */
type Parse<T> = (object: unknown) => Result<T>

const parserOf =
  <T>(schema: z.ZodType): Parse<T> =>
  (object) => {
    const parsed = schema.safeParse(object)
    return parsed.success ? success(parsed.data as T) : failure(parsed.error.issues.map(renderIssue).join('; '))
  }

function renderIssue({ path, message }: z.core.$ZodIssue): string {
  const field = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  return field === '' ? message : `${field.replace(/^\./, '')}: ${message}`
}

export const parseCanary = parserOf<Canary>(canarySchema)
export const parseMetricTemplate = parserOf<MetricTemplate>(metricTemplateSchema)
export const parseAlertProvider = parserOf<AlertProvider>(alertProviderSchema)
export const parseImagePolicy = parserOf<ImagePolicy>(imagePolicySchema)
