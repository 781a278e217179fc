import { parseObject } from '../http/body.ts'
import type { ApiRequest, ApiResponse } from '../http/request.ts'
import type { NamedTarget, Platform } from '../platform.ts'
import { trackUpdate } from '../server-side-apply/track.ts'
import { decode } from './decode.ts'
import { trackingOf } from './tracking.ts'
import { getStored, storeUpdate } from './update.ts'
import { writeOptions } from './write-options.ts'
import { written } from './written.ts'

export async function replaceObject(
  platform: Platform,
  target: NamedTarget,
  request: ApiRequest,
): Promise<ApiResponse> {
  const { resource, subresource } = target
  const options = writeOptions(request)
  const given = parseObject(await request.body(), request.contentType)
  const { object, warnings } = decode(resource, given, options.fieldValidation)
  const current = getStored(platform, target)
  const tracking = trackingOf(platform, resource, { options, operation: 'Update', subresource })
  const next = storeUpdate(platform, target, {
    wanted: object,
    current,
    dryRun: options.dryRun,
    needsResourceVersion: true,
    track: (complete) => trackUpdate(current, complete, tracking),
  })
  return written(resource, next, { warnings })
}
