import type { JsonObject } from './json.ts'
import { compact } from './json.ts'

export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

/** What a refused request was about: `kind` is the plural for lookups and the kind for validation, as in Kubernetes. */
export interface Subject {
  readonly group: string
  readonly kind: string
  readonly name?: string
  readonly uid?: string
}

/** Thrown when a request is refused; the HTTP layer answers with its Status object. */
export class StatusError extends Error {
  readonly code: number
  readonly reason: string
  readonly details: JsonObject | undefined

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message)
    this.name = 'StatusError'
    this.code = code
    this.reason = reason
    this.details = details
  }

  toStatus(): JsonObject {
    return compact({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason === '' ? undefined : this.reason,
      details: this.details,
      code: this.code,
    })
  }
}

const detailsOf = (subject: Subject, causes?: readonly Cause[]): JsonObject =>
  compact({
    name: subject.name === '' ? undefined : subject.name,
    group: subject.group === '' ? undefined : subject.group,
    kind: subject.kind,
    uid: subject.uid,
    causes: causes?.map((cause) => ({ ...cause })),
  })

export const qualified = (subject: { readonly group: string; readonly kind: string }): string =>
  subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`

export const notFound = (subject: Subject): StatusError =>
  new StatusError(404, 'NotFound', `${qualified(subject)} "${subject.name}" not found`, detailsOf(subject))

export const alreadyExists = (subject: Subject): StatusError =>
  new StatusError(409, 'AlreadyExists', `${qualified(subject)} "${subject.name}" already exists`, detailsOf(subject))

export const conflict = (subject: Subject, why: string): StatusError =>
  new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(subject)} "${subject.name}": ${why}`,
    detailsOf(subject),
  )

export const forbidden = (subject: Subject, why: string): StatusError =>
  new StatusError(
    403,
    'Forbidden',
    `${qualified(subject)} "${subject.name ?? ''}" is forbidden: ${why}`,
    detailsOf(subject),
  )

export function invalid(subject: Subject, causes: readonly Cause[]): StatusError {
  const lines = causes.map((cause) => `${cause.field}: ${cause.message}`)
  const all = lines.length === 1 ? lines.join('') : `[${lines.join(', ')}]`
  return new StatusError(
    422,
    'Invalid',
    `${qualified(subject)} "${subject.name ?? ''}" is invalid: ${all}`,
    detailsOf(subject, causes),
  )
}

export const applyConflict = (message: string, causes: readonly Cause[]): StatusError =>
  new StatusError(409, 'Conflict', message, { causes: causes.map((cause) => ({ ...cause })) })

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message)
export const unauthorized = (): StatusError => new StatusError(401, 'Unauthorized', 'Unauthorized')
export const expired = (message: string, details?: JsonObject): StatusError =>
  new StatusError(410, 'Expired', message, details)
export const unsupportedMediaType = (accepted: readonly string[]): StatusError =>
  new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )
export const methodNotAllowed = (): StatusError =>
  new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource')
export const pathNotFound = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource', {})

const fieldCause =
  (reason: string, prefix: string) =>
  (field: string, message: string): Cause => ({ reason, field, message: `${prefix}${message}` })

/** The field errors of Kubernetes, in its words. */
export const required = (field: string, message = ''): Cause => ({
  reason: 'FieldValueRequired',
  field,
  message: message === '' ? 'Required value' : `Required value: ${message}`,
})
export const forbiddenField = fieldCause('FieldValueForbidden', 'Forbidden: ')
export const duplicate = fieldCause('FieldValueDuplicate', 'Duplicate value: ')
export const invalidValue = (field: string, value: unknown, why: string): Cause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${typeof value === 'object' && value !== null ? JSON.stringify(value) : JSON.stringify(value ?? null)}: ${why}`,
})
export const unsupportedValue = (field: string, value: unknown, supported: readonly unknown[]): Cause => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`,
})
