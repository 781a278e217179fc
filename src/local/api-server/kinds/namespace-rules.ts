import { type JsonObject, objectAt, withAt } from '../json.ts'
import { nameOf } from '../metadata.ts'
import { fill } from './fill.ts'
import type { KindContext, KindRules } from './resource.ts'

function fillDefaults(namespace: JsonObject): JsonObject {
  const labels = { ...objectAt(namespace, 'metadata', 'labels'), 'kubernetes.io/metadata.name': nameOf(namespace) }
  return withAt(namespace, ['metadata', 'labels'], labels)
}

function complete(namespace: JsonObject, context: KindContext): JsonObject {
  if (context.previous !== undefined) return namespace
  const spec = fill(objectAt(namespace, 'spec') ?? {}, { finalizers: ['kubernetes'] })
  return { ...namespace, spec, status: { phase: 'Active' } }
}

export const namespaceRules: KindRules = { fillDefaults, complete }
