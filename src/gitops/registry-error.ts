export type RegistryErrorReason =
  | 'RegistryUnreachable'
  | 'RegistryThrottled'
  | 'RegistryFailed'
  | 'AuthenticationFailed'
  | 'RepositoryNotFound'

/**
 * Thrown when a registry does not answer a question. Its message names the registry and the next step; it has no cause,
 * since an HTTP client's errors carry the request and with it the credentials.
 */
export class RegistryError extends Error {
  readonly reason: RegistryErrorReason
  /** The registry asked to be left alone for this long. */
  readonly retryAfterMs: number | undefined

  constructor(reason: RegistryErrorReason, message: string, retryAfterMs?: number) {
    super(message)
    this.name = 'RegistryError'
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}
