import { type JsonObject, objectAt, withAt } from '../json.ts'
import { nameOf } from '../metadata.ts'
import { fill } from './fill.ts'
import type { KindContext, KindRules } from './resource.ts'

function complete(namespace: JsonObject, context: KindContext): JsonObject {
  const labels = { ...objectAt(namespace, 'metadata', 'labels'), 'kubernetes.io/metadata.name': nameOf(namespace) }
  const labelled = withAt(namespace, ['metadata', 'labels'], labels)
  if (context.previous !== undefined) return labelled
  const spec = fill(objectAt(namespace, 'spec') ?? {}, { finalizers: ['kubernetes'] })
  return { ...labelled, spec, status: { phase: 'Active' } }
}

export const namespaceRules: KindRules = { complete }
