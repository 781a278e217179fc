import type { z } from 'zod'
import { alertProviderSchema, canarySchema, imagePolicySchema, metricTemplateSchema } from '../../api/index.ts'
import { isRecord } from '../../base/index.ts'
import { convertSpec, unsupportedFields } from '../../flagger/index.ts'
import { type Diagnostic, type SpecIssue, specIssues, strayFields } from '../../mesh/istio/index.ts'

type Fields = Readonly<Record<string, unknown>>

const canarySpec = canarySchema.shape.spec

const schemas: Readonly<Partial<Record<string, z.ZodType>>> = {
  Canary: canarySpec,
  MetricTemplate: metricTemplateSchema.shape.spec,
  ClusterMetricTemplate: metricTemplateSchema.shape.spec,
  AlertProvider: alertProviderSchema.shape.spec,
  ImagePolicy: imagePolicySchema.shape.spec,
}

/** What is wrong with an object of Sluice's own kinds, or with a Canary of Flagger that it would release; nothing of any other. */
export function checkOwnObject(object: unknown): readonly Diagnostic[] {
  if (!isRecord(object)) return []
  const group = String(object.apiVersion).split('/')[0]
  const kind = String(object.kind)
  const { name = '', namespace = 'default' } = metadataOf(object)
  const key = { kind, namespace: String(namespace), name: String(name) }
  const found = group === 'flagger.app' && kind === 'Canary' ? flaggerIssues(object.spec) : ownIssues(object, group)
  return found.map(({ code, path, message }) => ({ ...{ severity: 'error', code, object: key, path, message } }))
}

type Issue = Pick<Diagnostic, 'code' | 'path' | 'message'>

const metadataOf = ({ metadata }: Fields): Fields => (isRecord(metadata) ? metadata : {})

const below = ({ path, ...issue }: SpecIssue): Issue => ({ ...issue, path: ['spec', ...path] })

function ownIssues(object: Fields, group: string | undefined): readonly Issue[] {
  const { apiVersion, kind, spec } = object
  const schema = schemas[String(kind)]
  if (group !== 'sluice.dev' || schema === undefined) return []
  const missing = (path: readonly string[]): Issue => ({ code: 'MissingField', path, message: 'must be given' })
  const version: Issue = {
    code: 'UnknownVersion',
    path: ['apiVersion'],
    message: `must be sluice.dev/v1 for a ${kind}`,
  }
  return [
    ...(apiVersion === 'sluice.dev/v1' ? [] : [version]),
    ...(metadataOf(object).name === undefined ? [missing(['metadata', 'name'])] : []),
    ...(isRecord(spec) ? [...strayFields(schema, spec), ...specIssues(schema, spec)].map(below) : [missing(['spec'])]),
  ]
}

/** As the controller reads it with `--flagger-compat`: what it would stall for. */
function flaggerIssues(given: unknown): readonly Issue[] {
  const spec = isRecord(given) ? given : {}
  const unsupported = unsupportedFields(spec).map((field): SpecIssue => {
    const message = 'Sluice does not do this for a Canary of Flagger: see docs/flagger.md'
    return { path: field.split('.'), code: 'UnsupportedField', message }
  })
  return [...unsupported, ...specIssues(canarySpec, convertSpec(spec))].map(below)
}
