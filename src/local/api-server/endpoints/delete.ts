import { parseObject } from '../http/body.ts'
import { type ApiRequest, type ApiResponse, json } from '../http/request.ts'
import { compact, type JsonObject, numberAt, objectAt, stringAt, withAt } from '../json.ts'
import type { ApiResource } from '../kinds/resource.ts'
import { finalizersOf, isDeleting, nameOf, objectKey, resourceVersionOf, timestamp, uidOf } from '../metadata.ts'
import type { NamedTarget, Platform, Target } from '../platform.ts'
import { badRequest, conflict } from '../status-error.ts'
import { listed, selectObjects } from './read.ts'
import { getStored, isFinished } from './update.ts'
import { present } from './written.ts'

export const orphanFinalizer = 'orphan'
/** Holds a definition until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'
export const foregroundFinalizer = 'foregroundDeletion'

export interface DeleteOptions {
  readonly propagation: 'Background' | 'Foreground' | 'Orphan'
  readonly graceSeconds: number | undefined
  readonly dryRun: boolean
  readonly uid: string | undefined
  readonly resourceVersion: string | undefined
}

export const backgroundDeletion: DeleteOptions = {
  propagation: 'Background',
  graceSeconds: undefined,
  dryRun: false,
  uid: undefined,
  resourceVersion: undefined,
}

export async function deleteObject(platform: Platform, target: NamedTarget, request: ApiRequest): Promise<ApiResponse> {
  const options = await readDeleteOptions(request)
  const current = getStored(platform, target)
  const { resource } = target
  const left = startDeletion(platform, resource, current, options)
  if (left !== undefined) return json(present(resource, left))
  const details = compact({
    name: target.name,
    group: resource.group || undefined,
    kind: resource.plural,
    uid: uidOf(current),
  })
  return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
}

export async function deleteCollection(platform: Platform, target: Target, request: ApiRequest): Promise<ApiResponse> {
  const options = await readDeleteOptions(request)
  const { resource } = target
  const items = selectObjects(platform, target, request.query)
  for (const item of items) startDeletion(platform, resource, item, options)
  return json({
    kind: resource.listKind,
    apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
    metadata: { resourceVersion: String(platform.store.revision()) },
    items: items.map((item) => listed(resource, item)),
  })
}

async function readDeleteOptions(request: ApiRequest): Promise<DeleteOptions> {
  const body = await request.body()
  const given: JsonObject = body.length === 0 ? {} : parseObject(body, request.contentType)
  const query = (name: string): string | undefined => request.query.get(name) ?? undefined
  const grace = query('gracePeriodSeconds')
  const dryRun = query('dryRun') ?? stringAt({ list: given.dryRun ?? [] }, 'list', '0')
  return {
    propagation: propagationOf(query('propagationPolicy') ?? stringAt(given, 'propagationPolicy'), given),
    graceSeconds: numberAt(given, 'gracePeriodSeconds') ?? (grace === undefined ? undefined : Number(grace)),
    dryRun: dryRun !== undefined || (Array.isArray(given.dryRun) && given.dryRun.length > 0),
    uid: stringAt(given, 'preconditions', 'uid'),
    resourceVersion: stringAt(given, 'preconditions', 'resourceVersion'),
  }
}

function propagationOf(text: string | undefined, given: JsonObject): DeleteOptions['propagation'] {
  if (text === undefined) return given.orphanDependents === true ? 'Orphan' : 'Background'
  if (text === 'Background' || text === 'Foreground' || text === 'Orphan') return text
  throw badRequest(
    `DeleteOptions is invalid: propagationPolicy: Unsupported value: "${text}": supported values: "Background", "Foreground", "Orphan"`,
  )
}

/** Deletes at once, or marks for deletion and answers what is left: finalizers and a pod's grace period hold it. */
export function startDeletion(
  platform: Platform,
  resource: ApiResource,
  current: JsonObject,
  options: DeleteOptions,
): JsonObject | undefined {
  checkPreconditions(resource, current, options)
  const now = platform.clock.now()
  const grace = graceSeconds(resource, current, options)
  const marked = mark(resource, current, { ...options, graceSeconds: grace }, now)
  const key = objectKey(current)
  if (isFinished(resource, marked)) {
    if (!options.dryRun) platform.store.remove(resource.storage, key)
    return resource.storage === '/pods' ? marked : undefined
  }
  if (marked === current || options.dryRun) return marked
  return platform.store.put(resource.storage, key, marked)
}

function checkPreconditions(resource: ApiResource, current: JsonObject, options: DeleteOptions): void {
  const subject = { group: resource.group, kind: resource.kind, name: nameOf(current) }
  const { uid, resourceVersion } = options
  if (uid !== undefined && uid !== uidOf(current)) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${uidOf(current)})`
    throw conflict(subject, `${why}. The object might have been deleted and then recreated`)
  }
  const version = resourceVersionOf(current)
  if (resourceVersion !== undefined && resourceVersion !== version) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${version})`
    throw conflict(subject, `${why}. The object might have been modified`)
  }
}

/** Only a pod that a node has taken gets time to end. */
function graceSeconds(resource: ApiResource, current: JsonObject, options: DeleteOptions): number {
  if (resource.storage !== '/pods') return 0
  const phase = stringAt(current, 'status', 'phase')
  if (!stringAt(current, 'spec', 'nodeName') || phase === 'Succeeded' || phase === 'Failed') return 0
  return Math.max(0, options.graceSeconds ?? numberAt(current, 'spec', 'terminationGracePeriodSeconds') ?? 30)
}

function mark(
  resource: ApiResource,
  current: JsonObject,
  options: DeleteOptions & { readonly graceSeconds: number },
  now: number,
): JsonObject {
  const before = numberAt(current, 'metadata', 'deletionGracePeriodSeconds') ?? 0
  if (isDeleting(current) && options.graceSeconds >= before) return current
  const wanted = isDeleting(current) ? finalizersOf(current) : finalizersFor(resource, current, options.propagation)
  const metadata: JsonObject = {
    ...objectAt(current, 'metadata'),
    ...compact({
      deletionTimestamp: timestamp(now + options.graceSeconds * 1000),
      deletionGracePeriodSeconds: options.graceSeconds,
      finalizers: wanted.length === 0 ? undefined : wanted,
      generation:
        resource.countsGeneration && !isDeleting(current)
          ? (numberAt(current, 'metadata', 'generation') ?? 0) + 1
          : undefined,
    }),
  }
  const marked = { ...current, metadata }
  return resource.storage === '/namespaces' ? withAt(marked, ['status', 'phase'], 'Terminating') : marked
}

function finalizersFor(
  resource: ApiResource,
  current: JsonObject,
  propagation: DeleteOptions['propagation'],
): readonly string[] {
  const own = [orphanFinalizer, foregroundFinalizer, cleanupFinalizer]
  const cleanup = resource.kind === 'CustomResourceDefinition' && !resource.isCustom ? [cleanupFinalizer] : []
  const others = [...finalizersOf(current).filter((one) => !own.includes(one)), ...cleanup]
  if (propagation === 'Orphan') return [...others, orphanFinalizer]
  return propagation === 'Foreground' ? [...others, foregroundFinalizer] : others
}
