import fc from 'fast-check'
import type { CustomResourceDefinition } from '../../src/api/index.ts'

/** A node of the structural schema that a CRD carries. */
export interface SchemaNode {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  readonly additionalProperties?: SchemaNode
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: boolean
  readonly exclusiveMaximum?: boolean
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string; readonly fieldPath?: string }[]
}

export interface Visited {
  /** As refusals spell it, with `[]` for any item and `[*]` for any key: `spec.analysis.metrics[].name`. */
  readonly path: string
  readonly node: SchemaNode
}

export function schemaOf({ spec, metadata }: CustomResourceDefinition): SchemaNode {
  const stored = spec.versions.find(({ storage }) => storage)
  const schema = stored?.schema?.openAPIV3Schema as SchemaNode | undefined
  return schema?.properties?.spec ?? fail(`${metadata.name} has no spec`)
}

const fail = (message: string): never => {
  throw new Error(message)
}

/** A field of a refusal, as paths of the schema are spelled. */
export const anywhere = (field: string): string => field.replaceAll(/\[\d+\]/g, '[]').replaceAll(/\[[^\]]+\]/g, '[*]')

/** Every node, the outer ones first. */
export function visit(node: SchemaNode, path = 'spec'): readonly Visited[] {
  return [
    { path, node },
    ...Object.entries(node.properties ?? {}).flatMap(([name, field]) => visit(field, `${path}.${name}`)),
    ...(node.items === undefined ? [] : visit(node.items, `${path}[]`)),
    ...(node.additionalProperties === undefined ? [] : visit(node.additionalProperties, `${path}[*]`)),
  ]
}

/** Names are made of these: the API server counts characters, and JavaScript halves of some. */
const letters = fc.constantFrom(...'abcdefgh-./ {}"0')

/** Values that the structural part of a schema takes; rules of CEL may still refuse them. */
export function arbitraryOf(node: SchemaNode): fc.Arbitrary<unknown> {
  if (node.enum !== undefined) return fc.constantFrom(...node.enum)
  if (node['x-kubernetes-int-or-string']) return fc.oneof(integers(node), strings(node))
  switch (node.type) {
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return integers(node)
    case 'number':
      return fc.double({ min: node.minimum ?? -10, max: node.maximum ?? 1_000, noNaN: true }).filter(isWithin(node))
    case 'string':
      return strings(node)
    case 'array':
      return fc.array(arbitraryOf(node.items ?? {}), {
        minLength: node.minItems ?? 0,
        maxLength: Math.min(node.maxItems ?? 3, Math.max(3, node.minItems ?? 0)),
      })
    case 'object':
      return objects(node)
    default:
      return fc.jsonValue({ maxDepth: 1 })
  }
}

const isWithin =
  ({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: SchemaNode) =>
  (value: number): boolean =>
    !(exclusiveMinimum && value === minimum) && !(exclusiveMaximum && value === maximum)

const integers = (node: SchemaNode) =>
  fc.integer({ min: node.minimum ?? -5, max: node.maximum ?? 100_000 }).filter(isWithin(node))

function strings({ pattern, minLength = 0, maxLength = 12 }: SchemaNode): fc.Arbitrary<string> {
  if (pattern === undefined) {
    return fc.string({ unit: letters, minLength, maxLength: Math.min(maxLength, Math.max(minLength, 12)) })
  }
  return fc
    .stringMatching(new RegExp(pattern), { size: 'xsmall' })
    .filter((text) => text.length >= minLength && text.length <= maxLength)
}

function objects({ properties, required = [], additionalProperties }: SchemaNode): fc.Arbitrary<unknown> {
  if (properties === undefined) {
    const keys = fc.string({ unit: fc.constantFrom(...'abc'), minLength: 1, maxLength: 3 })
    return fc.dictionary(keys, arbitraryOf(additionalProperties ?? {}), { maxKeys: 2 })
  }
  const fields = Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, arbitraryOf(field)]))
  return fc.record(fields, { requiredKeys: [...required] })
}

/** An object with every field there is, one item in each list and one key in each map: `a`. */
export function wholeValue(node: SchemaNode): unknown {
  if (node.properties !== undefined) {
    return Object.fromEntries(Object.entries(node.properties).map(([name, field]) => [name, wholeValue(field)]))
  }
  if (node.type === 'array')
    return Array.from({ length: Math.max(1, node.minItems ?? 1) }, () => wholeValue(node.items ?? {}))
  if (node.type === 'object') return node.additionalProperties ? { a: wholeValue(node.additionalProperties) } : {}
  return fc.sample(arbitraryOf(node), { numRuns: 1, seed: 1 })[0]
}

export interface Breach {
  /** Such as `spec.service.port: above 65535`. */
  readonly name: string
  readonly path: string
  readonly value: unknown
}

/** For each enum, bound, pattern, length and required field, one value that breaks it. */
export const breachesOf = (visited: Visited): readonly Breach[] => [
  ...breachesOfNumber(visited),
  ...breachesOfText(visited),
  ...breachesOfShape(visited),
]

const breachAt = (path: string, what: string, value: unknown): Breach => ({ name: `${path}: ${what}`, path, value })

function breachesOfNumber({ path, node }: Visited): readonly Breach[] {
  const { minimum, maximum } = node
  const below = (node.exclusiveMinimum ? 0 : 1) - (minimum ?? 0)
  const above = (node.exclusiveMaximum ? 0 : 1) + (maximum ?? 0)
  return [
    ...(minimum === undefined ? [] : [breachAt(path, `below ${minimum}`, -below)]),
    ...(maximum === undefined ? [] : [breachAt(path, `above ${maximum}`, above)]),
  ]
}

function breachesOfText({ path, node }: Visited): readonly Breach[] {
  const { minLength = 0, maxLength, pattern } = node
  return [
    ...(node.enum === undefined ? [] : [breachAt(path, 'an unknown word', 'no-such-word')]),
    ...(minLength === 0 ? [] : [breachAt(path, 'empty', '')]),
    ...(maxLength === undefined ? [] : [breachAt(path, `longer than ${maxLength}`, 'x'.repeat(maxLength + 1))]),
    ...(pattern === undefined ? [] : [breachAt(path, 'not of its pattern', '\u0000')]),
  ]
}

function breachesOfShape({ path, node }: Visited): readonly Breach[] {
  const { minItems = 0, maxItems, required = [] } = node
  return [
    ...(minItems === 0 ? [] : [breachAt(path, 'too few', [])]),
    ...(maxItems === undefined ? [] : [breachAt(path, `more than ${maxItems}`, manyOf(node, maxItems + 1))]),
    ...(node.type === undefined ? [] : [breachAt(path, 'of another type', node.type === 'object' ? [] : { other: 1 })]),
    ...required.map((name) => breachAt(`${path}.${name}`, 'missing', undefined)),
  ]
}

const manyOf = (node: SchemaNode, count: number): readonly unknown[] =>
  Array.from({ length: count }, () => wholeValue(node.items ?? {}))

/** A copy in which the value of that path is another; undefined takes it away. */
export function withValueAt(value: unknown, path: string, replacement: unknown): unknown {
  const steps = path.split(/\.|(?=\[)/).slice(1)
  return replaceAt(value, steps, replacement)
}

function replaceAt(value: unknown, [step, ...rest]: readonly string[], replacement: unknown): unknown {
  if (step === undefined) return replacement
  if (step === '[]') return (value as readonly unknown[]).map((item) => replaceAt(item, rest, replacement))
  const key = step === '[*]' ? 'a' : step
  const { [key]: field, ...others } = value as Readonly<Record<string, unknown>>
  const changed = replaceAt(field, rest, replacement)
  return changed === undefined ? others : { ...others, [key]: changed }
}
