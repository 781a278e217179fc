import { parseDuration } from '../../base/index.ts'
import type { InstantProvider, ProviderOptions } from '../provider.ts'
import type { Window } from '../window.ts'
import type { Question } from './exchange.ts'
import {
  type Asking,
  authorizationOf,
  createHttpProvider,
  type Dialect,
  headersOf,
  SettingsError,
} from './http-provider.ts'
import { parseRefusal, parseSuccess } from './prometheus-answer.ts'

/**
 * Asks the HTTP API of Prometheus, or of anything that speaks it under any path (Thanos, Mimir, VictoriaMetrics).
 * An answer that says of itself that it is partial is none: what is missing may be the failures.
 */
export function createPrometheusProvider(options: ProviderOptions): InstantProvider {
  const { newest } = createHttpProvider(dialect, options)
  const { range: _, ...pointwise } = options.provider
  const instantly = createHttpProvider(dialect, { ...options, provider: pointwise })
  return {
    newest,
    instant: (query, atMs, signal) => instantly.newest(query, { startMs: atMs, endMs: atMs }, signal),
  }
}

const dialect: Dialect = {
  title: 'Prometheus',
  ask: renderQuestion,
  read: (body, { options }) => parseSuccess(body, options.provider.range !== undefined),
  refusal: parseRefusal,
}

function renderQuestion({ query, window, address, secret, options }: Asking): Question {
  const { range } = options.provider
  const [path, times] = range === undefined ? instantOf(window) : rangeOf(window, range.step)
  // Thanos and VictoriaMetrics answer with less than all otherwise; servers that do not know these words ignore them.
  const form = { query, ...times, partial_response: 'false', deny_partial_response: '1' }
  return {
    method: 'POST',
    url: `${address.base}/api/v1/${path}`,
    headers: {
      ...headersOf(options),
      ...authorizationOf(secret, address),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
  }
}

type Times = readonly [path: string, times: Readonly<Record<string, string>>]

const instantOf = ({ endMs }: Window): Times => ['query', { time: seconds(endMs) }]

/** Points are counted from the start: it moves so that the last one falls on the end of the window. */
function rangeOf({ startMs, endMs }: Window, step: string): Times {
  const duration = parseDuration(step)
  if (!duration.ok || duration.value < 1_000) throw new SettingsError('provider.range.step must be at least 1s')
  const steps = Math.floor((endMs - startMs) / duration.value)
  const start = seconds(endMs - steps * duration.value)
  return ['query_range', { start, end: seconds(endMs), step: seconds(duration.value) }]
}

const seconds = (milliseconds: number): string => (milliseconds / 1_000).toFixed(3)
