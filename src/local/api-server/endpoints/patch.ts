import { mediaType, parseJson } from '../http/body.ts'
import type { ApiRequest, ApiResponse } from '../http/request.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import type { ApiResource } from '../kinds/resource.ts'
import { jsonPatch } from '../patch/json-patch.ts'
import { mergePatch } from '../patch/merge-patch.ts'
import { strategicMergePatch } from '../patch/strategic-merge-patch.ts'
import type { NamedTarget, Platform } from '../platform.ts'
import { trackUpdate } from '../server-side-apply/track.ts'
import { badRequest, StatusError, unsupportedMediaType } from '../status-error.ts'
import { applyObject } from './apply.ts'
import { decode } from './decode.ts'
import { trackingOf } from './tracking.ts'
import { getStored, storeUpdate } from './update.ts'
import { writeOptions } from './write-options.ts'
import { present, written } from './written.ts'

const jsonType = 'application/json-patch+json'
const mergeType = 'application/merge-patch+json'
const strategicType = 'application/strategic-merge-patch+json'
const applyTypes = ['application/apply-patch+yaml', 'application/apply-patch+json']

export async function patchObject(platform: Platform, target: NamedTarget, request: ApiRequest): Promise<ApiResponse> {
  const type = mediaType(request.contentType)
  if (applyTypes.includes(type)) return applyObject(platform, target, request)
  const { resource, subresource } = target
  const options = writeOptions(request)
  const patch = parseJson(await request.body())
  const current = getStored(platform, target)
  const patched = patchedBy(type, resource)(present(resource, current), patch)
  if (!isObject(patched)) throw badRequest('the patch does not leave an object')
  const { object, warnings } = decode(resource, patched, options.fieldValidation)
  const tracking = trackingOf(platform, resource, { options, operation: 'Update', subresource })
  const next = storeUpdate(platform, target, {
    wanted: object,
    current,
    dryRun: options.dryRun,
    track: (complete) => trackUpdate(current, complete, tracking),
  })
  return written(resource, next, { warnings })
}

/** How a patch of a media type changes an object; custom resources have no strategic merge. */
export function patchedBy(type: string, resource: ApiResource): (current: JsonObject, patch: Json) => Json {
  if (type === jsonType) return jsonPatch
  if (type === mergeType) return mergePatch
  if (type === strategicType && !resource.isCustom) {
    return (current, patch) => {
      if (!isObject(patch)) throw badRequest('a strategic merge patch is an object')
      return strategicMergePatch(current, patch, resource.schema)
    }
  }
  if (type !== strategicType) throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})
  const accepted = [jsonType, mergeType, ...(resource.isCustom ? [] : [strategicType]), 'application/apply-patch+yaml']
  throw unsupportedMediaType(accepted)
}
