import type { ApiResponse } from '../http/request.ts'
import { json } from '../http/request.ts'
import type { JsonObject } from '../json.ts'
import { type ApiResource, groupVersionOf } from '../kinds/resource.ts'

/** The object in the version it was asked for: with conversion None only apiVersion differs. */
export function present(resource: ApiResource, object: JsonObject): JsonObject {
  const apiVersion = groupVersionOf(resource)
  if (object.apiVersion === apiVersion && object.kind === resource.kind) return object
  return { ...object, apiVersion, kind: resource.kind }
}

/** The answer to a write, with the warnings that kubectl prints. */
export function written(
  resource: ApiResource,
  object: JsonObject,
  outcome: { readonly code?: number; readonly warnings?: readonly string[] } = {},
): ApiResponse {
  const warnings = outcome.warnings ?? []
  const code = outcome.code ?? 200
  if (warnings.length === 0) return json(present(resource, object), code)
  return json(present(resource, object), code, { Warning: warnings.map(renderWarning).join(', ') })
}

const renderWarning = (text: string): string =>
  `299 - "${text.replaceAll(/[\\"]/g, '\\$&').replaceAll(/[^\x20-\x7e]/g, '?')}"`
