import { expect, test } from 'vitest'
import { decideRetry } from '../../src/hooks/retry-policy.ts'
import type { OutboundResult } from '../../src/runtime/index.ts'

const status = (code: number): OutboundResult => ({ kind: 'answer', status: code })
const silence: OutboundResult = { kind: 'no-answer', cause: 'the connection broke' }
const settled = { kind: 'settled' }

test.each<[string, OutboundResult, { calls: number; retries: number; random: number }, object]>([
  ['an answer that means yes is final', status(200), { calls: 1, retries: 5, random: 0 }, settled],
  ['an answer that means no is final', status(403), { calls: 1, retries: 5, random: 0 }, settled],
  ['203 means no, and is final', status(203), { calls: 1, retries: 5, random: 0 }, settled],
  [
    'what must not be called is not called again',
    { kind: 'refused', cause: '' },
    { calls: 1, retries: 5, random: 0 },
    settled,
  ],
  ['a 500 may pass', status(500), { calls: 1, retries: 1, random: 0 }, { kind: 'retry', afterMs: 500 }],
  ['a 429 may pass', status(429), { calls: 1, retries: 1, random: 1 }, { kind: 'retry', afterMs: 1_000 }],
  ['silence may pass', silence, { calls: 1, retries: 1, random: 0 }, { kind: 'retry', afterMs: 500 }],
  ['the wait doubles', silence, { calls: 4, retries: 9, random: 1 }, { kind: 'retry', afterMs: 8_000 }],
  ['the wait ends at thirty seconds', silence, { calls: 9, retries: 9, random: 1 }, { kind: 'retry', afterMs: 30_000 }],
  ['no retries means one call', silence, { calls: 1, retries: 0, random: 0 }, settled],
  ['the last retry is the last', silence, { calls: 3, retries: 2, random: 0 }, settled],
])('%s', (_, result, state, decision) => {
  expect(decideRetry({ result, ...state })).toEqual(decision)
})
