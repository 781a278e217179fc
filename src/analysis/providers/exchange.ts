import { Agent } from 'undici'
import { failure, type Result, success } from '../../base/index.ts'
import { type Clock, messageOf } from '../../runtime/index.ts'
import type { Connections } from '../connections.ts'
import type { ProviderProblem } from '../provider.ts'

const TIMEOUT_MS = 5_000
/** One window of a canary with hundreds of pods fits; a query without a selector on a busy server does not. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

export interface Question {
  readonly method: 'GET' | 'POST'
  /** May carry a secret in its query string: no message shows more than its origin and path. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body?: string
}

/** PEM texts, and whether any certificate will do. */
export interface TlsSettings {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly insecureSkipVerify?: boolean | undefined
}

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

export type Exchange = (question: Question, signal: AbortSignal) => Promise<Result<HttpAnswer, ProviderProblem>>

/**
 * Sends a question and reads the whole answer, within bounds of time and bytes; redirects are not followed. Without
 * connections each question opens its own.
 */
export function createExchange(clock: Clock, tls: TlsSettings, connections?: Connections): Exchange {
  // Servers with certificates of their own are asked rarely: no connection, and no key, outlives its question.
  const kept = needsAgent(tls) ? undefined : connections
  return async (question, signal) => {
    const opened = kept === undefined ? createAgent(tls) : success(kept)
    if (!opened.ok) return opened
    try {
      return await sendInTime(clock, question, opened.value, signal)
    } finally {
      if (kept === undefined) await opened.value.destroy()
    }
  }
}

async function sendInTime(
  clock: Clock,
  question: Question,
  connections: Connections,
  signal: AbortSignal,
): ReturnType<Exchange> {
  const deadline = startDeadline(clock, TIMEOUT_MS)
  try {
    return await send(question, connections, AbortSignal.any([signal, deadline.signal]))
  } catch (error) {
    const cause = deadline.signal.aborted ? `no answer within ${TIMEOUT_MS / 1_000}s` : messageOf(error)
    return failure({ kind: 'provider-down', message: cause })
  } finally {
    deadline.cancel()
  }
}

async function send(question: Question, connections: Connections, signal: AbortSignal): ReturnType<Exchange> {
  const { origin, pathname, search } = new URL(question.url)
  const { statusCode, body } = await connections.request({
    origin,
    path: `${pathname}${search}`,
    method: question.method,
    headers: { accept: 'application/json', ...question.headers },
    ...(question.body === undefined ? {} : { body: question.body }),
    signal,
  })
  const text = await readText(body, MAX_ANSWER_BYTES)
  return text.ok ? success({ status: statusCode, body: text.value }) : text
}

const needsAgent = ({ ca, cert, key, insecureSkipVerify }: TlsSettings): boolean =>
  ca !== undefined || cert !== undefined || key !== undefined || insecureSkipVerify === true

function createAgent({ ca, cert, key, insecureSkipVerify }: TlsSettings): Result<Agent, ProviderProblem> {
  try {
    const connect = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      rejectUnauthorized: insecureSkipVerify !== true,
    }
    return success(new Agent({ connect, allowH2: false }))
  } catch (error) {
    return failure({ kind: 'query-error', message: `its certificates can not be used: ${messageOf(error)}` })
  }
}

function startDeadline(clock: Clock, milliseconds: number) {
  const expired = new AbortController()
  const cancelled = new AbortController()
  // It cannot reject (Clock.sleep never does), and it ends at the latest in `cancel`.
  void clock.sleep(milliseconds, cancelled.signal).then(() => {
    if (!cancelled.signal.aborted) expired.abort()
  })
  // A reason of its own: without one, each answer would make an error with its stack.
  return { signal: expired.signal, cancel: () => cancelled.abort('answered') }
}

async function readText(body: AsyncIterable<Uint8Array>, limit: number): Promise<Result<string, ProviderProblem>> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > limit) {
      const message = `the answer is larger than ${limit / 1024 / 1024} MiB: narrow or aggregate the query`
      return failure({ kind: 'query-error', message })
    }
    text += decoder.decode(chunk, { stream: true })
  }
  return success(text + decoder.decode())
}
