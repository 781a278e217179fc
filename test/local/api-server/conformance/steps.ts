import type { RequestOptions } from '../../../support/api-request.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are objects of any kind
type Any = any

/** One request; later ones may use what earlier ones were answered. */
export interface Step extends RequestOptions {
  readonly say: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string | ((answers: readonly Any[]) => string)
  readonly make?: (answers: readonly Any[]) => unknown
}

export interface Scenario {
  readonly name: string
  readonly steps: readonly Step[]
}

export const json = 'application/json-patch+json'
export const merge = 'application/merge-patch+json'
export const strategic = 'application/strategic-merge-patch+json'
export const apply = 'application/apply-patch+yaml'

type More = Partial<Omit<Step, 'say' | 'method' | 'path'>>

export const get = (say: string, path: Step['path'], more: More = {}): Step => ({ say, method: 'GET', path, ...more })
export const post = (say: string, path: Step['path'], body: unknown): Step => ({ say, method: 'POST', path, body })
export const put = (say: string, path: Step['path'], make: (answers: readonly Any[]) => unknown): Step => ({
  say,
  method: 'PUT',
  path,
  make,
})
export const patch = (say: string, path: Step['path'], contentType: string, body: unknown): Step => ({
  say,
  method: 'PATCH',
  path,
  contentType,
  body,
})
export const remove = (say: string, path: Step['path'], body?: unknown): Step => ({
  say,
  method: 'DELETE',
  path,
  ...(body === undefined ? {} : { body }),
})
