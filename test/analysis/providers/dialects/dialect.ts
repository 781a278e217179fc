import type { Answer } from '../../../../src/analysis/provider.ts'
import type { MetricProviderSpec } from '../../../../src/api/index.ts'
import type { Handler } from '../../../support/http-server.ts'

/** The window of every question here: a minute. */
export const WINDOW = { startMs: Date.UTC(2026, 0, 1, 0, 1), endMs: Date.UTC(2026, 0, 1, 0, 2) }

/** Seconds since 1970 at so many seconds after the start of the window. */
export const at = (second: number): number => WINDOW.startMs / 1_000 + second

/** Planted in every Secret: it may appear in headers or bodies to the server, and nowhere else. */
export const TOKEN = 'planted-token-3f7a'

/** What the contract promises, said in the protocol of one kind of server. */
export interface Dialect {
  readonly title: string
  readonly provider: Omit<MetricProviderSpec, 'address'>
  readonly secret: Readonly<Record<string, string>>
  readonly query: string
  /** What the server must have received; the path begins after `/base`. */
  readonly question: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, unknown>>
    readonly body?: unknown
  }
  /** Bodies of a 200, and what they mean. */
  readonly answers: Readonly<Record<'value' | 'empty' | 'notANumber' | 'wrongType' | 'garbage', Reading>> &
    Readonly<Record<string, Reading>>
  /** A body of a 400 and the reason in it. */
  readonly refusal: readonly [body: string, shown: string]
  /** Requests that come before the question, such as that for a token; undefined when it is the question. */
  readonly before?: (path: string) => Handler | undefined
}

export interface Reading {
  readonly body: string
  readonly expected: Answer
}

export const json = JSON.stringify

export const reads = (body: unknown, ...samples: readonly [number, Readonly<Record<string, string>>?][]): Reading => ({
  body: typeof body === 'string' ? body : json(body),
  expected: { kind: 'samples', samples: samples.map(([value, labels = {}]) => ({ labels, value })) },
})

/** The message without the name and the address of the server in front. */
export const fails = (body: unknown, kind: 'query-error' | 'provider-down', message: string): Reading => ({
  body: typeof body === 'string' ? body : json(body),
  expected: { kind, message },
})

export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
