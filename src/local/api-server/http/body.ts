import { parse } from 'yaml'
import { hasPrototypeKey, isObject, type Json, type JsonObject } from '../json.ts'
import { badRequest, unsupportedMediaType } from '../status-error.ts'
import { parseProtobuf } from './protobuf.ts'

const MAX_DEPTH = 200

export const mediaType = (contentType: string): string => (contentType.split(';')[0] ?? '').trim().toLowerCase()

const accepted = ['application/json', 'application/yaml']

/** The object in a create, replace or delete. */
export function parseObject(body: Buffer, contentType: string): JsonObject {
  const type = mediaType(contentType)
  if (type === 'application/vnd.kubernetes.protobuf') return parseProtobuf(body)
  if (type !== '' && !accepted.includes(type)) throw unsupportedMediaType(accepted)
  const value = type === 'application/yaml' ? parseYaml(body) : parseJson(body)
  if (!isObject(value)) throw badRequest('the request body is not an object')
  return value
}

export function parseJson(body: Buffer): Json {
  let value: Json
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw badRequest(`the request body is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  return safe(value)
}

/** Server-side apply sends YAML, of which JSON is a part. */
export function parseYaml(body: Buffer): Json {
  try {
    return safe(parse(body.toString('utf8'), { maxAliasCount: 100, uniqueKeys: true, merge: false }))
  } catch (error) {
    throw badRequest(
      `error decoding YAML: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
    )
  }
}

function safe(value: Json): Json {
  if (depth(value, 0) > MAX_DEPTH) throw badRequest(`the request body is nested deeper than ${MAX_DEPTH}`)
  if (hasPrototypeKey(value)) throw badRequest('a key must not be __proto__')
  return value
}

function depth(value: Json, level: number): number {
  if (level > MAX_DEPTH || typeof value !== 'object' || value === null) return level
  let deepest = level
  for (const child of Object.values(value)) deepest = Math.max(deepest, depth(child, level + 1))
  return deepest
}
