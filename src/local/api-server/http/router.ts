import { createObject } from '../endpoints/create.ts'
import { deleteCollection, deleteObject } from '../endpoints/delete.ts'
import { serveDiscovery } from '../endpoints/discovery.ts'
import { readLogs } from '../endpoints/logs.ts'
import { serveOpenApi } from '../endpoints/openapi.ts'
import { createPages, type Pages } from '../endpoints/pages.ts'
import { patchObject } from '../endpoints/patch.ts'
import { getObject, listObjects } from '../endpoints/read.ts'
import { replaceObject } from '../endpoints/replace.ts'
import { isReview, serveReview } from '../endpoints/reviews.ts'
import { serveScale } from '../endpoints/scale.ts'
import { bindPod, evictPod, finalizeNamespace } from '../endpoints/special.ts'
import { watchObjects } from '../endpoints/watch.ts'
import type { NamedTarget, Platform, Target } from '../platform.ts'
import { badRequest, methodNotAllowed, pathNotFound } from '../status-error.ts'
import { type ApiRequest, type ApiResponse, json } from './request.ts'
import { parseResourcePath, type ResourcePath } from './resource-path.ts'

const version = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.0-sluice',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
}

const health = new Set(['/healthz', '/livez', '/readyz', '/healthz/ping', '/livez/ping', '/readyz/ping'])

export type Router = (request: ApiRequest) => Promise<ApiResponse>

export function createRouter(platform: Platform, token: string): Router {
  const pages = createPages()
  return async (request) => {
    const parts = parseResourcePath(request.path)
    if (parts === undefined) return serveOutside(platform, request)
    if (!isReview(parts.group, parts.plural)) return serveResource(platform, parts, request, pages)
    if (request.method !== 'POST') throw methodNotAllowed()
    return serveReview(parts.plural, request, token)
  }
}

/** What is no resource: health, version, OpenAPI, discovery. */
function serveOutside(platform: Platform, request: ApiRequest): ApiResponse {
  const { path } = request
  if (health.has(path)) return { kind: 'text', code: 200, body: 'ok' }
  if (path === '/version' || path === '/version/') return json(version)
  return path.startsWith('/openapi/') ? serveOpenApi(platform, request) : serveDiscovery(platform, request)
}

async function serveResource(
  platform: Platform,
  parts: ResourcePath,
  request: ApiRequest,
  pages: Pages,
): Promise<ApiResponse> {
  const resource = platform.registry.find(parts.group, parts.version, parts.plural)
  if (resource === undefined) return unknownResource(platform, parts)
  const { namespace, name, subresource } = parts
  if (!resource.namespaced && namespace !== undefined) throw pathNotFound()
  const target: Target = { resource, namespace, name, subresource }
  if (name === undefined) return serveCollection(platform, target, request, pages)
  if (resource.namespaced && namespace === undefined) throw pathNotFound()
  const named: NamedTarget = { ...target, name }
  return subresource === '' ? serveObject(platform, named, request) : serveSubresource(platform, named, request)
}

/** A group version that nobody serves is no path at all, so the answer is no Status. */
function unknownResource(platform: Platform, parts: ResourcePath): ApiResponse {
  const isKnown = platform.registry
    .all()
    .some(({ group, version }) => group === parts.group && version === parts.version)
  if (isKnown) throw pathNotFound()
  return { kind: 'text', code: 404, body: '404 page not found\n' }
}

async function serveCollection(
  platform: Platform,
  target: Target,
  request: ApiRequest,
  pages: Pages,
): Promise<ApiResponse> {
  switch (request.method) {
    case 'GET':
      return isWatch(request) ? watchObjects(platform, target, request) : listObjects(platform, target, request, pages)
    case 'POST':
      if (target.resource.namespaced && target.namespace === undefined) throw methodNotAllowed()
      return createObject(platform, target, request)
    case 'DELETE':
      return deleteCollection(platform, target, request)
    default:
      throw methodNotAllowed()
  }
}

const isWatch = (request: ApiRequest): boolean => ['true', '1', ''].includes(request.query.get('watch') ?? 'false')

async function serveObject(platform: Platform, target: NamedTarget, request: ApiRequest): Promise<ApiResponse> {
  switch (request.method) {
    case 'GET':
      return isWatch(request) ? watchObjects(platform, target, request) : getObject(platform, target, request)
    case 'PUT':
      return replaceObject(platform, target, request)
    case 'PATCH':
      return patchObject(platform, target, request)
    case 'DELETE':
      return deleteObject(platform, target, request)
    default:
      throw methodNotAllowed()
  }
}

async function serveSubresource(platform: Platform, target: NamedTarget, request: ApiRequest): Promise<ApiResponse> {
  if (target.subresource === 'scale') return serveScale(platform, target, request)
  if (target.subresource === 'status' && target.resource.hasStatus) return serveStatus(platform, target, request)
  const route = `${request.method} ${target.resource.storage}/${target.subresource}`
  const serve = special.get(route)
  if (serve !== undefined) return serve(platform, target, request)
  if (unserved.has(`${target.resource.storage}/${target.subresource}`)) {
    throw badRequest(
      `${target.subresource} is not served by the local platform: use kubectl logs, or the pod's address`,
    )
  }
  throw pathNotFound()
}

type Serve = (platform: Platform, target: NamedTarget, request: ApiRequest) => ApiResponse | Promise<ApiResponse>

const special: ReadonlyMap<string, Serve> = new Map<string, Serve>([
  ['GET /pods/log', readLogs],
  ['POST /pods/binding', bindPod],
  ['POST /pods/eviction', evictPod],
  ['PUT /namespaces/finalize', finalizeNamespace],
])

const unserved = new Set(['/pods/exec', '/pods/attach', '/pods/portforward'])

async function serveStatus(platform: Platform, target: NamedTarget, request: ApiRequest): Promise<ApiResponse> {
  switch (request.method) {
    case 'GET':
      return getObject(platform, target, request)
    case 'PUT':
      return replaceObject(platform, target, request)
    case 'PATCH':
      return patchObject(platform, target, request)
    default:
      throw methodNotAllowed()
  }
}
