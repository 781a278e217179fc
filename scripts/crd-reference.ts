import type { CustomResourceDefinition } from '../src/api/index.ts'

/** The part of a structural schema that a reader wants to see. */
interface Field {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Field>>
  readonly items?: Field
  readonly additionalProperties?: Field
  readonly minimum?: number
  readonly maximum?: number
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string; readonly fieldPath?: string }[]
}

/** A page for people: every field of a kind with its type, default and meaning, and the rules over several fields. */
export function renderReference({ spec }: CustomResourceDefinition): string {
  const [version] = spec.versions
  const root = (version?.schema?.openAPIV3Schema ?? {}) as Field
  const { shortNames = [] } = spec.names
  const rows = ['spec', 'status'].flatMap((name) => rowsOf(name, root.properties?.[name] ?? {}, name === 'spec'))
  const rules = rulesOf('spec', root.properties?.spec ?? {})
  return [
    `# ${spec.names.kind}`,
    root.description ?? '',
    `\`${spec.group}/${version?.name}\`, ${spec.scope === 'Namespaced' ? 'namespaced' : 'cluster-scoped'}${
      shortNames.length > 0 ? `; \`kubectl get ${shortNames[0]}\`` : ''
    }.`,
    `| Field | Type | Meaning |\n| --- | --- | --- |\n${rows.join('\n')}`,
    ...(rules.length > 0 ? [`## Rules\n\n${rules.join('\n')}`] : []),
    '_Written by `npm run generate` from src/api._',
  ]
    .join('\n\n')
    .concat('\n')
}

function rowsOf(path: string, field: Field, required: boolean): readonly string[] {
  if (field.type === undefined && field.properties === undefined && field.description === undefined) return []
  const marks = [
    required || field.default !== undefined ? '' : 'optional',
    field.default === undefined ? '' : `default \`${JSON.stringify(field.default)}\``,
    boundsOf(field),
  ].filter((mark) => mark !== '')
  const type = [typeOf(field), ...marks].join(', ')
  const row = `| \`${path}\` | ${cell(type)} | ${cell(field.description ?? '')} |`
  return [row, ...childrenOf(path, field).flatMap(([name, child, isRequired]) => rowsOf(name, child, isRequired))]
}

type Child = readonly [path: string, field: Field, required: boolean]

function childrenOf(path: string, { properties, items, additionalProperties, required = [] }: Field): readonly Child[] {
  if (properties !== undefined) {
    return Object.entries(properties).map(([name, child]) => [`${path}.${name}`, child, required.includes(name)])
  }
  if (items !== undefined) return childrenOf(`${path}[]`, items)
  return additionalProperties === undefined ? [] : childrenOf(`${path}.*`, additionalProperties)
}

function typeOf(field: Field): string {
  if (field['x-kubernetes-int-or-string']) return 'integer or string'
  if (field.enum !== undefined) return field.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' or ')
  if (field.items !== undefined) return `list of ${typeOf(field.items)}`
  if (field.additionalProperties !== undefined) return `map of ${typeOf(field.additionalProperties)}`
  return field.type ?? 'any'
}

function boundsOf({ minimum, maximum }: Field): string {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`
  if (minimum !== undefined) return `at least ${minimum}`
  return maximum === undefined ? '' : `at most ${maximum}`
}

function rulesOf(path: string, field: Field): readonly string[] {
  const own = (field['x-kubernetes-validations'] ?? []).map(
    ({ message, fieldPath = '' }) => `- \`${path}${fieldPath}\`: ${message}`,
  )
  const below = [
    ...Object.entries(field.properties ?? {}).flatMap(([name, child]) => rulesOf(`${path}.${name}`, child)),
    ...(field.items === undefined ? [] : rulesOf(`${path}[]`, field.items)),
  ]
  return [...own, ...below]
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
