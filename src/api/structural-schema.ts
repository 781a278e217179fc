import { z } from 'zod'
import type { JsonSchema } from './kubernetes/core.ts'

/** The part of OpenAPI that zod writes and this file reads; other keywords pass through. */
interface Node {
  readonly [keyword: string]: unknown
  readonly type?: string
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly additionalProperties?: Node | boolean
  readonly anyOf?: readonly Node[]
  readonly minimum?: number
  readonly maximum?: number
}

const KEEP_UNKNOWN = { 'x-kubernetes-preserve-unknown-fields': true }

/**
 * Renders a zod schema as the structural OpenAPI schema that a CRD must carry. What objects look like before
 * defaults (`io: 'input'`) is what users write, so fields with a default are not required.
 */
export function structuralSchema(schema: z.ZodType): JsonSchema {
  return structural(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }) as Node, '')
}

function structural(node: Node, path: string): Node {
  if (node.anyOf !== undefined) return intOrString(node, path)
  if (node.oneOf !== undefined || node.allOf !== undefined || node.$ref !== undefined) {
    throw new Error(`${path || 'the schema'}: a CRD cannot carry this union, intersection or reference`)
  }
  if (node.type === undefined) return { ...node, ...KEEP_UNKNOWN }
  if (node.type === 'integer') return withoutSafeBounds(node)
  if (node.type === 'array') return { ...node, items: structural(node.items ?? {}, `${path}[]`) }
  return node.type === 'object' ? structuralObject(node, path) : node
}

function structuralObject(node: Node, path: string): Node {
  const { properties = {}, additionalProperties, ...rest } = node
  const fields = Object.entries(properties).map(([name, field]) => [name, structural(field, `${path}.${name}`)])
  if (fields.length > 0) {
    return { ...rest, properties: Object.fromEntries(fields), ...(isOpen(additionalProperties) ? KEEP_UNKNOWN : {}) }
  }
  if (typeof additionalProperties !== 'object' || isOpen(additionalProperties)) return { ...rest, ...KEEP_UNKNOWN }
  return { ...rest, additionalProperties: structural(additionalProperties, `${path}[*]`) }
}

const isOpen = (additional: Node['additionalProperties']): boolean =>
  typeof additional === 'object' && Object.keys(additional).length === 0

/** zod bounds every integer by what a double can hold; an API server has 64 bits and needs no such words. */
function withoutSafeBounds(node: Node): Node {
  const { minimum, maximum, ...rest } = node
  return {
    ...rest,
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  }
}

/** The only union that a structural schema knows; bounds of either side hold for values of its type. */
function intOrString(node: Node, path: string): Node {
  const { anyOf = [], ...rest } = node
  const types = anyOf.map(({ type }) => type)
  if (types.length !== 2 || !types.includes('integer') || !types.includes('string')) {
    throw new Error(`${path}: a CRD knows no union but that of an integer and a string`)
  }
  const bounds = anyOf.map((side) => withoutSafeBounds(side)).map(({ type: _, ...bound }) => bound)
  return Object.assign({ ...rest, 'x-kubernetes-int-or-string': true }, ...bounds)
}
