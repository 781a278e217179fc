import { applyPatch, type Operation } from 'rfc6902'
import { hasPrototypeKey, isArray, isObject, type Json } from '../json.ts'
import { badRequest, StatusError } from '../status-error.ts'

const words = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])
const MAX_OPERATIONS = 10_000

/** RFC 6902; a failed operation refuses the whole patch as Kubernetes does, with 422. */
export function jsonPatch(target: Json, patch: Json): Json {
  if (!isArray(patch)) throw badRequest('error decoding patch: a JSON patch is an array of operations')
  if (patch.length > MAX_OPERATIONS) {
    throw new StatusError(413, 'RequestEntityTooLarge', `a JSON patch may have at most ${MAX_OPERATIONS} operations`)
  }
  const operations = patch.flatMap((value: unknown) => (isOperation(value) ? [value] : []))
  if (operations.length < patch.length)
    throw badRequest('error decoding patch: an operation needs op and path, and no path may lead to a prototype')
  const copy = structuredClone(target)
  const failed = safeApply(copy, operations)
  if (failed !== undefined) {
    throw new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
  }
  if (hasPrototypeKey(copy)) throw badRequest('a key must not be __proto__')
  return copy
}

function safeApply(copy: Json, patch: readonly Operation[]): string | undefined {
  try {
    return applyPatch(copy, [...patch]).find((one) => one !== null)?.message
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The library skips such paths without a word; a patch that is not carried out must not look carried out. */
const unsafe = new Set(['__proto__', 'constructor', 'prototype'])

const isSafePath = (path: Json | undefined): boolean =>
  path === undefined || (typeof path === 'string' && !path.split('/').some((token) => unsafe.has(token)))

function isOperation(value: unknown): value is Operation {
  if (!isObject(value) || typeof value.path !== 'string' || !isSafePath(value.path) || !isSafePath(value.from))
    return false
  return typeof value.op === 'string' && words.has(value.op)
}
