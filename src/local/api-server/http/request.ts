import type { IncomingMessage } from 'node:http'
import type { Json, JsonObject } from '../json.ts'

/** A request after authentication; the body is read only where one is wanted. */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly accept: string
  readonly contentType: string
  readonly userAgent: string
  readonly ifNoneMatch: string
  readonly body: () => Promise<Buffer>
  /** Fires when the client is gone or the server stops. */
  readonly signal: AbortSignal
}

export interface Sink {
  /** False when the reader is too slow and must be cut off. */
  write(chunk: string | Buffer): boolean
}

export type ApiResponse =
  | {
      readonly kind: 'json'
      readonly code: number
      readonly body: Json
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'text'; readonly code: number; readonly body: string; readonly contentType?: string }
  | {
      readonly kind: 'stream'
      readonly contentType: string
      readonly run: (sink: Sink, signal: AbortSignal) => Promise<void>
    }

export const json = (body: JsonObject, code = 200, headers?: Readonly<Record<string, string>>): ApiResponse =>
  headers === undefined ? { kind: 'json', code, body } : { kind: 'json', code, body, headers }

export const header = (message: IncomingMessage, name: string): string => {
  const value = message.headers[name]
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}
