import { failure, type Result, success } from '../../base/index.ts'
import { type Clock, messageOf } from '../../runtime/index.ts'
import type { Answer, MetricProvider, ProviderOptions } from '../provider.ts'
import { parseRefusal, parseSuccess } from './prometheus-answer.ts'

const TIMEOUT_MS = 5_000
/** One window of a canary with hundreds of pods fits; a query without a selector on a busy server does not. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
/** Prometheus' own words for a broken query come with 4xx; these two 4xx pass with time. */
const PASSING_REFUSALS: readonly number[] = [408, 429]

/** Asks the HTTP API of Prometheus, or of anything that speaks it (Thanos, Mimir, VictoriaMetrics). */
export function createPrometheusProvider(options: ProviderOptions): MetricProvider {
  const endpoint = parseAddress(options.address)
  return {
    async instant(query, atMs, signal) {
      if (!endpoint.ok) return { kind: 'query-error', message: endpoint.error }
      return ask(options, endpoint.value, new URLSearchParams({ query, time: (atMs / 1_000).toFixed(3) }), signal)
    },
  }
}

interface Endpoint {
  readonly url: string
  /** What messages may show: no credentials. */
  readonly shown: string
  readonly authorization: string | undefined
}

function parseAddress(address: string): Result<Endpoint> {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return failure('the address of Prometheus is not an http or https URL: set spec.metricsServer or provider.address')
  }
  const shown = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  return success({ url: `${shown}/api/v1/query`, shown, authorization: renderBasic(url) })
}

function renderBasic({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const userInfo = [username, password].map((part) => decode(part)).join(':')
  return `Basic ${Buffer.from(userInfo).toString('base64')}`
}

/** A percent sign that begins no escape stands for itself. */
function decode(part: string): string {
  return part.replace(/(%[0-9A-Fa-f]{2})+/g, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString())
}

async function ask(
  options: ProviderOptions,
  endpoint: Endpoint,
  form: URLSearchParams,
  signal: AbortSignal,
): Promise<Answer> {
  const deadline = startDeadline(options.clock, TIMEOUT_MS)
  try {
    const response = await options.http(endpoint.url, {
      method: 'POST',
      body: form,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        ...(endpoint.authorization === undefined ? {} : { authorization: endpoint.authorization }),
      },
      signal: AbortSignal.any([signal, deadline.signal]),
    })
    const body = await readText(response, MAX_ANSWER_BYTES)
    return describe(response.status, body, endpoint.shown)
  } catch (error) {
    const cause = deadline.signal.aborted ? `no answer within ${TIMEOUT_MS / 1_000}s` : messageOf(error)
    return { kind: 'provider-down', message: `Prometheus at ${endpoint.shown}: ${cause}` }
  } finally {
    deadline.cancel()
  }
}

function startDeadline(clock: Clock, milliseconds: number) {
  const expired = new AbortController()
  const cancelled = new AbortController()
  // It cannot reject (Clock.sleep never does), and it ends at the latest in `cancel`.
  void clock.sleep(milliseconds, cancelled.signal).then(() => {
    if (!cancelled.signal.aborted) expired.abort()
  })
  return { signal: expired.signal, cancel: () => cancelled.abort() }
}

async function readText(response: Response, limit: number): Promise<Result<string>> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > limit) {
      return failure(`the answer is larger than ${limit / 1024 / 1024} MiB: narrow or aggregate the query`)
    }
    text += decoder.decode(chunk, { stream: true })
  }
  return success(text + decoder.decode())
}

function describe(status: number, body: Result<string>, shown: string): Answer {
  const say = (kind: 'query-error' | 'provider-down', text: string): Answer => ({
    kind,
    message: `Prometheus at ${shown}: ${text}`,
  })
  if (!body.ok) return say('query-error', body.error)
  if (status === 200) {
    const parsed = parseSuccess(body.value)
    return parsed.ok ? { kind: 'samples', samples: parsed.value } : say(parsed.error.kind, parsed.error.message)
  }
  const refusal = `HTTP ${status}${parseRefusal(body.value)}`
  if (status >= 500 || PASSING_REFUSALS.includes(status)) return say('provider-down', refusal)
  if (status === 401 || status === 403) return say('query-error', `${refusal}: it refuses these credentials`)
  return say('query-error', refusal)
}
