import { createHash } from 'node:crypto'
import { findOrMake, remember } from '../../../base/index.ts'
import { type ApiRequest, type ApiResponse, json } from '../http/request.ts'
import type { Json, JsonObject } from '../json.ts'
import type { ApiResource } from '../kinds/resource.ts'
import type { Platform } from '../platform.ts'
import type { TypeSchema } from '../schema/type-schema.ts'
import { pathNotFound } from '../status-error.ts'

const PREFIX = '/openapi/v3'

const pathOf = (resource: { readonly group: string; readonly version: string }): string =>
  resource.group === '' ? `api/${resource.version}` : `apis/${resource.group}/${resource.version}`

/** OpenAPI v3, from which kubectl learns that the server validates fields, and explain its types. */
export function serveOpenApi(platform: Platform, request: ApiRequest): ApiResponse {
  if (request.path === '/openapi/v2') return serveVersion2(request)
  if (!request.path.startsWith(PREFIX)) throw pathNotFound()
  const rest = request.path.slice(PREFIX.length).replace(/^\/|\/$/g, '')
  if (rest === '') return json(index(platform))
  const mine = platform.registry.all().filter((resource) => pathOf(resource) === rest)
  if (mine.length === 0) throw pathNotFound()
  return json(documentOf(mine), 200, {
    'Cache-Control': 'public, max-age=31536000',
    ETag: `"${hashOf(platform, rest)}"`,
  })
}

const VERSION_2_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/**
 * kubectl falls back to version 2 for lists of objects and for kinds that nobody serves, and stops where there is none.
 * A document without types sends it on: the server validates each object itself.
 */
function serveVersion2({ accept }: ApiRequest): ApiResponse {
  const info = { title: 'Kubernetes', version: 'v1.36.0' }
  if (!accept.includes('protobuf')) return json({ swagger: '2.0', info, paths: {} })
  // Each length is below 128, so that the bytes are ASCII: swagger = 1, info = 2 { title = 1, version = 2 }, paths = 8.
  const field = (number: number, value: string) => String.fromCharCode((number << 3) | 2, value.length) + value
  const body = field(1, '2.0') + field(2, field(1, info.title) + field(2, info.version)) + field(8, '')
  return { kind: 'text', code: 200, body, contentType: VERSION_2_TYPE }
}

function index(platform: Platform): JsonObject {
  const paths = [...new Set(platform.registry.all().map(pathOf))]
  return {
    paths: Object.fromEntries(
      paths.map((path) => [path, { serverRelativeURL: `${PREFIX}/${path}?hash=${hashOf(platform, path)}` }]),
    ),
  }
}

/** Rendering every schema for each index would cost more than all else that kubectl asks for. */
const hashesOf = remember((_: readonly ApiResource[]) => new Map<string, string>())

/** Changes with the schemas of the group version, so that clients may keep what they have. */
function hashOf(platform: Platform, path: string): string {
  const resources = platform.registry.all()
  return findOrMake(hashesOf(resources), path, () => computeHash(resources, path))
}

function computeHash(resources: readonly ApiResource[], path: string): string {
  const mine = resources.filter((resource) => pathOf(resource) === path)
  const text = mine
    .map((resource) => `${resource.kind} ${resource.isCustom ? JSON.stringify(renderType(resource.schema, [])) : ''}`)
    .join('\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 32).toUpperCase()
}

function documentOf(resources: readonly ApiResource[]): JsonObject {
  const schemas: { [name: string]: Json } = {}
  const queue: TypeSchema[] = []
  for (const resource of resources) {
    const { group, version, kind } = resource
    const name = schemaName(resource)
    schemas[name] = {
      ...renderType(resource.schema, queue),
      'x-kubernetes-group-version-kind': [{ group, version, kind }],
    }
  }
  for (let type = queue.pop(); type !== undefined; type = queue.pop()) {
    const name = definitionName(type.definition ?? '')
    if (!Object.hasOwn(schemas, name)) schemas[name] = renderType(type, queue)
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.0' },
    paths: Object.fromEntries(resources.flatMap(pathsOf)),
    components: { schemas },
  }
}

const schemaName = (resource: ApiResource): string =>
  resource.schema.definition === undefined
    ? `${resource.group.split('.').reverse().join('.')}.${resource.version}.${resource.kind}`
    : definitionName(resource.schema.definition)

const definitionName = (definition: string): string => `io.k8s.${definition}`
const reference = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` })

function renderType(schema: TypeSchema, queue: TypeSchema[]): JsonObject {
  const { definition: _, properties, items, additionalProperties, ...rest } = schema
  const out: { [key: string]: Json } = {}
  for (const [key, value] of Object.entries(rest)) {
    if (!(Array.isArray(value) && value.length === 0)) out[key] = value as Json
  }
  if (properties !== undefined) {
    out.properties = Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [name, renderMember(property, queue)]),
    )
  }
  if (items !== undefined) out.items = renderMember(items, queue)
  if (additionalProperties !== undefined) {
    out.additionalProperties =
      typeof additionalProperties === 'boolean' ? additionalProperties : renderMember(additionalProperties, queue)
  }
  return out
}

function renderMember(schema: TypeSchema, queue: TypeSchema[]): JsonObject {
  if (schema.definition === undefined) return renderType(schema, queue)
  queue.push(schema)
  const ref = reference(definitionName(schema.definition))
  const merge = Object.entries(schema).filter(([key]) => key.startsWith('x-kubernetes-patch'))
  return merge.length === 0 ? ref : { allOf: [ref], ...(Object.fromEntries(merge) as JsonObject) }
}

const query = (name: string): JsonObject => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
})
const pathParameter = (name: string): JsonObject => ({ name, in: 'path', required: true, schema: { type: 'string' } })

function pathsOf(resource: ApiResource): readonly (readonly [string, JsonObject])[] {
  const { group, version, kind, plural, namespaced } = resource
  const base = `/${pathOf(resource)}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`
  const content = { 'application/json': { schema: reference(schemaName(resource)) } }
  const operation = (action: string, parameters: readonly string[], withBody: boolean): JsonObject => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
    parameters: parameters.map(query),
    ...(withBody ? { requestBody: { required: true, content } } : {}),
    responses: { '200': { description: 'OK', content } },
  })
  const write = ['dryRun', 'fieldManager', 'fieldValidation']
  const parameters = namespaced ? [pathParameter('namespace')] : []
  return [
    [
      base,
      {
        get: operation('list', ['labelSelector', 'fieldSelector'], false),
        post: operation('post', write, true),
        parameters,
      },
    ],
    [
      `${base}/{name}`,
      {
        get: operation('get', [], false),
        put: operation('put', write, true),
        patch: operation('patch', [...write, 'force'], true),
        delete: operation('delete', ['dryRun', 'propagationPolicy'], false),
        parameters: [pathParameter('name'), ...parameters],
      },
    ],
  ]
}
