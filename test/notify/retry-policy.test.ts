import { expect, test } from 'vitest'
import { decideDelivery } from '../../src/notify/retry-policy.ts'
import type { OutboundResult } from '../../src/runtime/index.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const status = (code: number, retryAfter?: string): OutboundResult => ({
  kind: 'answer',
  status: code,
  ...(retryAfter === undefined ? {} : { retryAfter }),
})
const silence: OutboundResult = { kind: 'no-answer', cause: 'the connection broke' }
const retry = (afterMs: number) => ({ kind: 'retry', afterMs })
const giveUp = (cause: string) => ({ kind: 'give-up', cause })

test.each<[string, OutboundResult, number, object]>([
  ['200 is sent', status(200), 1, { kind: 'sent' }],
  ['204 is sent', status(204), 1, { kind: 'sent' }],
  ['a redirect is no place to send a secret to', status(302), 1, giveUp('it answered 302')],
  ['404 will not pass', status(404), 1, giveUp('it answered 404')],
  ['500 may pass', status(500), 1, retry(1_000)],
  ['408 may pass', status(408), 2, retry(2_000)],
  ['silence may pass', silence, 3, retry(4_000)],
  ['429 may pass, after the rest that it names', status(429, '30'), 1, retry(30_000)],
  ['a rest named as a date', status(503, 'Thu, 01 Jan 2026 00:00:20 GMT'), 1, retry(20_000)],
  ['a rest that is over already', status(503, 'Thu, 01 Jan 2025 00:00:00 GMT'), 1, retry(1_000)],
  ['a rest that is unreadable', status(429, 'soon'), 1, retry(1_000)],
  ['a rest that is too long', status(429, '3600'), 1, giveUp('it answered 429 and asks for 3600 s of rest')],
  ['the fifth try is the last', silence, 5, giveUp('the connection broke, 5 times')],
  ['what must not be called is not tried again', { kind: 'refused', cause: 'no' }, 1, giveUp('no')],
])('%s', (_, result, tries, decision) => {
  expect(decideDelivery({ result, tries, now, random: 1 })).toEqual(decision)
})
