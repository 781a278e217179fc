import { isRecord, parseJson } from '../base/index.ts'
import { KubeError, type Retry } from './port.ts'

/** An answer of the API server that was not a success. */
export interface Refusal {
  readonly code: number
  readonly body: string
  readonly retryAfter: string | undefined
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

/** Codes that the same request meets again until its input changes. */
const HOPELESS: ReadonlySet<number> = new Set([400, 405, 406, 413, 415, 422])

/** Turns an answer into the error that callers read; `what` names the call, such as `get Canary default/web`. */
export function refusalToError(what: string, refusal: Refusal): KubeError {
  return statusToError(what, parseStatus(refusal.body), refusal)
}

interface Status {
  readonly message?: unknown
  readonly reason?: unknown
  readonly code?: unknown
  readonly details?: unknown
}

/** The error of an ERROR event in a watch, whose object is a Status. */
export function statusEventToError(what: string, status: unknown): KubeError {
  const known = isRecord(status) ? status : {}
  const code = typeof known.code === 'number' ? known.code : 500
  return statusToError(what, known, { code, body: '', retryAfter: undefined })
}

function statusToError(what: string, status: Status | undefined, refusal: Refusal): KubeError {
  const reason = typeof status?.reason === 'string' && status.reason !== '' ? status.reason : REASONS[refusal.code]
  const message = typeof status?.message === 'string' && status.message !== '' ? status.message : excerpt(refusal.body)
  const details = isRecord(status?.details) ? status.details : undefined
  return new KubeError(`${what}: ${message === '' ? `HTTP ${refusal.code}` : message}`, {
    code: refusal.code,
    // A list or watch that is too old says Expired or Gone depending on the place; callers see one word.
    reason: refusal.code === 410 ? 'Expired' : (reason ?? 'Unknown'),
    retry: retryOf(refusal, details),
    ...(details === undefined ? {} : { details }),
  })
}

function retryOf(refusal: Refusal, details: Readonly<Record<string, unknown>> | undefined): Retry {
  if (HOPELESS.has(refusal.code)) return 'never'
  const seconds = Number(refusal.retryAfter ?? details?.retryAfterSeconds)
  return Number.isFinite(seconds) && seconds > 0 ? { afterMs: seconds * 1_000 } : 'later'
}

/** The error of a call that got no answer, or only the beginning of one; `problem` says which. */
export function unreachableError(what: string, problem: string, cause: unknown): KubeError {
  const why = cause instanceof Error && cause.message !== '' ? cause.message : String(cause)
  return new KubeError(`${what}: ${problem}: ${why}`, {
    code: 0,
    reason: isTimeout(cause) ? 'Timeout' : 'Unreachable',
    retry: 'later',
    cause,
  })
}

function isTimeout(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  return cause.name === 'TimeoutError' || ('code' in cause && String(cause.code).includes('TIMEOUT'))
}

function parseStatus(body: string): Status | undefined {
  const parsed = parseJson(body)
  return isRecord(parsed) ? parsed : undefined
}

/** Proxies and admission webhooks answer with pages of text: the first line is enough to know which it was. */
const excerpt = (body: string): string => body.trim().split('\n', 1)[0]?.slice(0, 200) ?? ''
