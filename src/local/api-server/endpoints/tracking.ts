import type { JsonObject } from '../json.ts'
import { type ApiResource, groupVersionOf } from '../kinds/resource.ts'
import { timestamp } from '../metadata.ts'
import type { Platform } from '../platform.ts'
import { emptySet, type FieldSet, fieldSet, leaf } from '../server-side-apply/field-set.ts'
import type { Operation } from '../server-side-apply/managed-fields.ts'
import { type Tracking, trackUpdate } from '../server-side-apply/track.ts'
import type { WriteOptions } from './write-options.ts'

export interface Writing {
  readonly options: WriteOptions
  readonly operation: Operation
  readonly subresource: string
}

export function trackingOf(platform: Platform, resource: ApiResource, writing: Writing): Tracking {
  return {
    manager: {
      name: writing.options.fieldManager,
      operation: writing.operation,
      apiVersion: groupVersionOf(resource),
      subresource: writing.subresource,
    },
    schema: resource.schema,
    time: timestamp(platform.clock.now()),
    reset: resetFields(resource, writing.subresource),
  }
}

/** The main resource never owns status where that is a subresource, and status never owns the spec. */
function resetFields(resource: ApiResource, subresource: string): FieldSet {
  if (subresource === 'status') return fieldSet(false, [['f:spec', leaf]])
  return resource.hasStatus ? fieldSet(false, [['f:status', leaf]]) : emptySet
}

export const trackedCreate = (
  platform: Platform,
  resource: ApiResource,
  object: JsonObject,
  options: WriteOptions,
): JsonObject =>
  trackUpdate(undefined, object, trackingOf(platform, resource, { options, operation: 'Update', subresource: '' }))
