import { expect, test } from 'vitest'
import { createKeyFetcher } from '../../../src/mesh/control-plane/key-fetcher.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { eventually } from '../../support/eventually.ts'

test('keys are waited for as long as the rule says', async () => {
  const asked: string[] = []
  const stop = new AbortController()
  const fetcher = createKeyFetcher({
    clock: systemClock,
    log: silentLogger,
    changed: () => undefined,
    kept: { load: async () => [], save: async () => {} },
    // Never answers, but for the time limit.
    fetchText: (url, signal) => {
      asked.push(url)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const ended = fetcher.start(stop.signal)
  const [hasty, patient] = ['https://a.example/keys', 'https://b.example/keys']
  fetcher.want([
    { address: hasty, timeoutMs: 1 },
    { address: patient, timeoutMs: 1 },
    { address: patient, timeoutMs: 3_600_000 },
  ])
  await eventually(() => expect(fetcher.keysOf(hasty).problem).toContain('timeout'))
  expect(fetcher.keysOf(patient).problem).toBe(`the keys at ${patient} are being fetched`)
  expect([...new Set(asked)].sort()).toEqual([hasty, patient])
  stop.abort()
  await ended
})
