import { afterEach, expect, test } from 'vitest'
import { createKeyFetcher, type KeyFetcherSettings } from '../../../src/mesh/control-plane/key-fetcher.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { eventually } from '../../support/eventually.ts'
import { answer, hang, inTurn, startServer } from '../../support/http-server.ts'
import { createTokenIssuer } from '../../support/json-web-token.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

function start(settings: KeyFetcherSettings = {}) {
  const stop = new AbortController()
  const kept = { load: async () => [], save: async () => {} }
  const options = { clock: systemClock, log: silentLogger, changed: () => undefined, kept, ...settings }
  const fetcher = createKeyFetcher(options)
  const ended = fetcher.start(stop.signal)
  stops.push(() => {
    stop.abort()
    return ended
  })
  return fetcher
}

test('keys are waited for as long as the rule says', async () => {
  const asked: string[] = []
  const fetcher = start({
    // Never answers, but for the time limit.
    fetchText: (url, signal) => {
      asked.push(url)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const [hasty, patient] = ['https://a.example/keys', 'https://b.example/keys']
  fetcher.want([
    { address: hasty, timeoutMs: 1 },
    { address: patient, timeoutMs: 1 },
    { address: patient, timeoutMs: 3_600_000 },
  ])
  await eventually(() => expect(fetcher.keysOf(hasty).problem).toContain('timeout'))
  expect(fetcher.keysOf(patient).problem).toBe(`the keys at ${patient} are being fetched`)
  expect([...new Set(asked)].sort()).toEqual([hasty, patient])
})

const { keySet } = createTokenIssuer('https://auth.example.com')

test('an issuer that never answers holds up the keys of no other', async () => {
  await using silent = await startServer(hang)
  await using right = await startServer(answer(200, {}, keySet))
  const fetcher = start()
  const [slow, quick] = [{ address: silent.url, timeoutMs: 3_600_000 }, { address: right.url }]
  fetcher.want([slow])
  await eventually(() => expect(silent.requests.length).toBe(1))
  fetcher.want([slow, quick])
  await eventually(() => expect(fetcher.keysOf(right.url)).toEqual({ jwks: keySet }))
  expect(silent.requests.length).toBe(1)
})

test('what an issuer answers in the place of keys is told, and asked again', async () => {
  const long = 'x'.repeat(2 * 1024 * 1024)
  const told = async (rest: string) => {
    const message = `the keys at ${issuer.url} cannot be fetched (${rest}): every token is refused`
    await eventually(() => expect(fetcher.keysOf(issuer.url).problem).toBe(message))
  }
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const after = (index: number, next: ReturnType<typeof answer>): ReturnType<typeof answer> => {
    return async (response, request) => {
      await gates[index]?.promise
      return next(response, request)
    }
  }
  await using issuer = await startServer(
    inTurn(
      answer(503),
      after(0, answer(200, {}, long)),
      after(1, answer(200, {}, '{"keys":[]}')),
      after(2, answer(200, {}, keySet)),
    ),
  )
  const fetcher = start({ retryMs: 1 })
  fetcher.want([{ address: issuer.url, timeoutMs: 60_000 }])
  await told('it answers 503')
  gates[0]?.resolve()
  await told('it answers more than 1048576 bytes')
  gates[1]?.resolve()
  await told('the answer is no JSON Web Key Set with an RSA, EC or OKP key')
  gates[2]?.resolve()
  await eventually(() => expect(fetcher.keysOf(issuer.url)).toEqual({ jwks: keySet }))
})
