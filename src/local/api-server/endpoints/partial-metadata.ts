import type { ApiRequest } from '../http/request.ts'
import { type JsonObject, objectAt } from '../json.ts'

const GROUP_VERSION = 'meta.k8s.io/v1'

/** Whether a client wants objects, or lists of them, without anything but their metadata. */
export function wantsMetadata(request: ApiRequest, as: 'PartialObjectMetadata' | 'PartialObjectMetadataList'): boolean {
  const [first = ''] = request.accept.split(',')
  const fields = first.split(';').map((field) => field.trim())
  return fields[0] === 'application/json' && fields.includes(`as=${as}`) && fields.includes('g=meta.k8s.io')
}

export const renderMetadata = (object: JsonObject): JsonObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: GROUP_VERSION,
  metadata: objectAt(object, 'metadata') ?? {},
})

export const renderMetadataList = (items: readonly JsonObject[], metadata: JsonObject): JsonObject => ({
  kind: 'PartialObjectMetadataList',
  apiVersion: GROUP_VERSION,
  metadata,
  items: items.map(renderMetadata),
})
