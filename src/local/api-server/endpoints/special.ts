import { parseObject } from '../http/body.ts'
import { type ApiRequest, type ApiResponse, json } from '../http/request.ts'
import { at, stringAt, withAt } from '../json.ts'
import type { NamedTarget, Platform } from '../platform.ts'
import { badRequest, conflict } from '../status-error.ts'
import { backgroundDeletion, startDeletion } from './delete.ts'
import { getStored, storeOrFinish } from './update.ts'
import { present } from './written.ts'

const success = json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' }, 201)

/** `pods/binding`: what a scheduler posts. */
export async function bindPod(platform: Platform, target: NamedTarget, request: ApiRequest): Promise<ApiResponse> {
  const binding = parseObject(await request.body(), request.contentType)
  const node = stringAt(binding, 'target', 'name')
  if (!node) throw badRequest('a Binding needs target.name')
  const pod = getStored(platform, target)
  const bound = stringAt(pod, 'spec', 'nodeName')
  if (bound) {
    throw conflict(
      { group: '', kind: 'pods/binding', name: target.name },
      `pod ${target.name} is already assigned to node "${bound}"`,
    )
  }
  storeOrFinish(platform, target, withAt(pod, ['spec', 'nodeName'], node))
  return success
}

export function evictPod(platform: Platform, target: NamedTarget): ApiResponse {
  startDeletion(platform, target.resource, getStored(platform, target), backgroundDeletion)
  return success
}

/** `namespaces/finalize`: the only way to change spec.finalizers. */
export async function finalizeNamespace(
  platform: Platform,
  target: NamedTarget,
  request: ApiRequest,
): Promise<ApiResponse> {
  const wanted = parseObject(await request.body(), request.contentType)
  const current = getStored(platform, target)
  const finalizers = at(wanted, 'spec', 'finalizers') ?? []
  const next = storeOrFinish(platform, target, withAt(current, ['spec', 'finalizers'], finalizers))
  return json(present(target.resource, next))
}
