import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { addCounts, countsSince, startLoad } from '../../src/cli/demo/load.ts'
import { eventually } from '../support/eventually.ts'

test('counts every answer by version, failures apart, and numbers pages without a gap', async () => {
  const sequences: number[] = []
  const server = createServer((request, response) => {
    request.resume()
    const isOrder = request.method === 'POST'
    if (!isOrder) sequences.push(Number(request.headers['x-sequence']))
    response.writeHead(isOrder ? 500 : 200, { 'x-version': isOrder ? '3.0.0' : '1.0.0' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const load = startLoad({ address: '127.0.0.1', port, hostHeader: 'web', requestsPerSecond: 200, sequenced: true })
  await eventually(() => expect(load.counts()['3.0.0']?.requests ?? 0).toBeGreaterThan(5))
  await load.stop()
  server.close()
  const counts = load.counts()
  expect(counts['1.0.0']?.errors).toBe(0)
  expect(counts['3.0.0']?.errors).toBe(counts['3.0.0']?.requests)
  expect(load.failures()[0]).toContain('3.0.0 POST answered 500')
  expect(sequences.toSorted((left, right) => left - right)).toEqual(sequences.map((_, index) => index + 1))
})

test('a service that is away is counted as requests that nobody answered', async () => {
  const load = startLoad({ address: '127.0.0.1', port: 1, hostHeader: 'web', requestsPerSecond: 100, sequenced: false })
  await eventually(() => expect(load.counts().none?.errors ?? 0).toBeGreaterThan(2))
  await load.stop()
  expect(Object.keys(load.counts())).toEqual(['none'])
})

test('differences and sums of counts', () => {
  const earlier = { a: { requests: 3, errors: 1 } }
  const later = { a: { requests: 5, errors: 1 }, b: { requests: 2, errors: 2 } }
  expect(countsSince(earlier, later)).toEqual({ a: { requests: 2, errors: 0 }, b: { requests: 2, errors: 2 } })
  expect(addCounts([earlier, later])).toEqual({ a: { requests: 8, errors: 2 }, b: { requests: 2, errors: 2 } })
})
