import { expect, test } from 'vitest'
import { createOutbound } from '../../src/runtime/index.ts'
import { answer, startServer } from '../support/http-server.ts'

const request = { body: {}, timeoutMs: 60_000, signal: new AbortController().signal }

test('a host name is judged by the addresses it resolves to', async () => {
  await using server = await startServer(answer(200))
  const asked: string[] = []
  const refuseLoopback = (address: string) => {
    asked.push(address)
    return address !== '127.0.0.1'
  }
  const result = await createOutbound({ isAddressAllowed: refuseLoopback }).post({
    ...request,
    url: `http://localhost:${server.port}/`,
  })
  expect(result).toEqual({ kind: 'refused', cause: 'its address is one that must not be called' })
  expect([asked.includes('127.0.0.1'), server.requests]).toEqual([true, []])
})

test('a host name that is allowed is called', async () => {
  await using server = await startServer(answer(204, { 'retry-after': '7' }))
  const result = await createOutbound().post({ ...request, url: `http://localhost:${server.port}/` })
  expect(result).toEqual({ kind: 'answer', status: 204, retryAfter: '7' })
})

test('a redirect is an answer where none is followed', async () => {
  await using server = await startServer(answer(301, { location: '/elsewhere' }))
  expect(await createOutbound().post({ ...request, url: server.url })).toEqual({ kind: 'answer', status: 301 })
  expect(server.requests).toHaveLength(1)
})
