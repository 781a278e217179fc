import { apiVersionOf, type MetricTemplate, metricTemplateKind } from '../api/index.ts'
import { type Fields, fieldsOf } from './fields.ts'

/** Types that Sluice calls otherwise, or that need what Flagger has no field for, are handed on and refused when asked. */
export function convertTemplate(template: MetricTemplate): MetricTemplate {
  const spec = fieldsOf(template.spec)
  const provider = fieldsOf(spec.provider)
  return {
    ...template,
    apiVersion: apiVersionOf(metricTemplateKind),
    spec: { provider: convertProvider(provider), query: `${spec.query ?? ''}` },
  }
}

const KEPT = ['type', 'address', 'region', 'insecureSkipVerify', 'headers'] as const

function convertProvider(provider: Fields): MetricTemplate['spec']['provider'] {
  const kept = KEPT.filter((name) => provider[name] !== undefined && provider[name] !== '')
  const { name } = fieldsOf(provider.secretRef)
  return {
    ...Object.fromEntries(kept.map((field) => [field, provider[field]])),
    ...(typeof name === 'string' && name !== '' ? { secretRef: { name } } : {}),
  } as MetricTemplate['spec']['provider']
}
