/** In the order of their numbers. */
export const grpcStatuses = [
  ...(['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND'] as const),
  ...(['ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED'] as const),
  ...(['OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'] as const),
] as const

/** Envoy's words of when a request is tried again. One that it does not know it passes over in silence. */
const retryConditions: ReadonlySet<string> = new Set([
  ...['5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'envoy-ratelimited'],
  ...['retriable-4xx', 'refused-stream', 'retriable-status-codes', 'retriable-headers', 'http3-post-connect-failure'],
  ...['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'],
])

export const isRetryCondition = (list: string): boolean => unknownIn(list).length === 0

export const unknownRetryConditions = (list: unknown): string =>
  `there is no condition ${unknownIn(String(list)).join(', ')}: write statuses from 100 to 599, or ${[...retryConditions].join(', ')}`

const unknownIn = (list: string): readonly string[] =>
  list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '' && !retryConditions.has(word) && !/^[1-5]\d\d$/.test(word))
