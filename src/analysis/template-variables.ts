import type { MetricTemplate } from '../api/index.ts'
import { failure, type Result, success } from '../base/index.ts'

type TemplateSpec = Pick<MetricTemplate['spec'], 'query' | 'variables'>
export type Variables = Readonly<Record<string, string>>

const VARIABLE = /\{\{\s*variables\.([A-Za-z0-9_-]+)\s*\}\}/g

/**
 * The value of every variable of a template: what the metric gives, or else the default.
 * A name that the template does not know is most likely a misspelt one, whose default would be taken silently.
 */
export function resolveVariables({ query, variables = [] }: TemplateSpec, given: Variables): Result<Variables> {
  const used = [...query.matchAll(VARIABLE)].map(([, name = '']) => name)
  const known = [...new Set([...variables.map(({ name }) => name), ...used])]
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    return failure(`the variable ${unknown} is not one of the template: it has ${known.join(', ') || 'none'}`)
  }
  const values = new Map(Object.entries(given))
  for (const { name, default: standard, required = standard === undefined } of variables) {
    if (values.has(name)) continue
    if (required) return failure(missing(name))
    values.set(name, standard ?? '')
  }
  const absent = used.find((name) => !values.has(name))
  return absent === undefined ? success(Object.fromEntries(values)) : failure(missing(absent))
}

const missing = (name: string): string =>
  `the query needs the variable ${name}: set it in templateVariables of the metric`
