import type { Json, JsonObject } from '../json.ts'
import { isArray, isObject } from '../json.ts'
import { isDeclared, memberSchema, type TypeSchema } from './type-schema.ts'

export interface Pruned {
  readonly value: Json
  /** Paths of the fields that were dropped, in Kubernetes' notation. */
  readonly dropped: readonly string[]
}

/** Drops the fields that the schema does not know. */
export function prune(value: Json, schema: TypeSchema): Pruned {
  const dropped: string[] = []
  return { value: pruneValue(value, schema, { path: '', dropped }), dropped }
}

interface Walk {
  readonly path: string
  readonly dropped: string[]
}

const identity = new Set(['apiVersion', 'kind', 'metadata'])

function pruneValue(value: Json, schema: TypeSchema | undefined, walk: Walk): Json {
  if (schema === undefined) return value
  if (isArray(value)) {
    const items = schema.items
    if (items === undefined) return value
    return keepSame(
      value,
      value.map((item, index) => pruneValue(item, items, { ...walk, path: `${walk.path}[${index}]` })),
    )
  }
  return isObject(value) ? pruneObject(value, schema, walk) : value
}

const keepSame = (before: readonly Json[], after: readonly Json[]): readonly Json[] =>
  before.every((item, index) => item === after[index]) ? before : after

function pruneObject(value: JsonObject, schema: TypeSchema, walk: Walk): JsonObject {
  const out: { [key: string]: Json } = {}
  let changed = false
  for (const [key, child] of Object.entries(value)) {
    const path = walk.path === '' ? key : `${walk.path}.${key}`
    const known = keepsMember(schema, key)
    if (!known) walk.dropped.push(path)
    const kept = known ? pruneValue(child, memberSchema(schema, key), { ...walk, path }) : undefined
    if (kept !== child) changed = true
    if (kept !== undefined) out[key] = kept
  }
  return changed ? out : value
}

function keepsMember(schema: TypeSchema, key: string): boolean {
  if (isDeclared(schema, key) || schema['x-kubernetes-preserve-unknown-fields'] === true) return true
  if (schema['x-kubernetes-embedded-resource'] === true && identity.has(key)) return true
  if (schema['x-kubernetes-int-or-string'] === true) return true
  return schema.additionalProperties !== undefined && schema.additionalProperties !== false
}
