import type { ApiRequest } from '../http/request.ts'
import { isObject, type Json, type JsonObject, objectAt, stringAt } from '../json.ts'
import { evaluateJsonPath, parseJsonPath } from '../json-path.ts'
import { age } from '../kinds/age.ts'
import { builtinColumns, type Column } from '../kinds/printer-columns.ts'
import type { ApiResource, PrinterColumn } from '../kinds/resource.ts'
import { nameOf, resourceVersionOf } from '../metadata.ts'
import { present } from './written.ts'

export interface TableOptions {
  readonly version: string
  readonly includeObject: string
}

/** Undefined when the client does not want a Table before plain JSON. */
export function tableOptions(request: ApiRequest): TableOptions | undefined {
  for (const part of request.accept.split(',')) {
    const fields = part.split(';').map((field) => field.trim())
    if (fields.includes('as=Table') && fields.includes('g=meta.k8s.io')) {
      const version = fields.find((field) => field.startsWith('v='))?.slice(2) ?? 'v1'
      return { version, includeObject: request.query.get('includeObject') ?? 'Metadata' }
    }
    if (fields[0] === 'application/json' || fields[0] === '*/*') return undefined
  }
  return undefined
}

export function renderTable(
  resource: ApiResource,
  objects: readonly JsonObject[],
  options: TableOptions & { readonly now: number },
): JsonObject {
  const columns = columnsOf(resource)
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata: objects.length === 1 ? { resourceVersion: (objects[0] && resourceVersionOf(objects[0])) ?? '' } : {},
    columnDefinitions: columns.map(({ cell: _, ...definition }) => ({ ...definition })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, options.now)),
      ...embedded(present(resource, object), options),
    })),
  }
}

function embedded(object: JsonObject, options: TableOptions): JsonObject {
  if (options.includeObject === 'None') return {}
  if (options.includeObject === 'Object') return { object }
  const metadata = objectAt(object, 'metadata') ?? {}
  return { object: { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${options.version}`, metadata } }
}

const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description:
    'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names',
  priority: 0,
  cell: nameOf,
}

export const ageColumn: Column = {
  name: 'Age',
  type: 'date',
  format: '',
  description: 'Time since the object was created.',
  priority: 0,
  cell: (object, now) => age(stringAt(object, 'metadata', 'creationTimestamp'), now),
}

function columnsOf(resource: ApiResource): readonly Column[] {
  if (!resource.isCustom) return [nameColumn, ...builtinColumns(resource.storage)]
  const declared = resource.columns ?? []
  return [nameColumn, ...(declared.length === 0 ? [ageColumn] : declared.map(customColumn))]
}

function customColumn(column: PrinterColumn): Column {
  const path = parseJsonPath(column.jsonPath) ?? []
  return {
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: column.description || `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
    priority: column.priority ?? 0,
    cell: (object, now) => customCell(column.type, evaluateJsonPath(path, object), now),
  }
}

function customCell(type: string, values: readonly Json[], now: number): Json {
  const [value] = values
  if (value === undefined || value === null) return type === 'date' ? '<unknown>' : null
  if (type === 'date') return age(typeof value === 'string' ? value : undefined, now)
  if (type === 'string') return isObject(value) || Array.isArray(value) ? JSON.stringify(value) : String(value)
  return value
}
