import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createContainerLog, type ReadLogOptions } from '../../../../src/local/node-agent/container/container-log.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-log-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const never = new AbortController().signal

async function read(
  log: ReturnType<typeof createContainerLog>,
  options: ReadLogOptions = {},
  signal = never,
): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of log.read(options, signal)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test.each([
  [undefined, 'one\ntwo\nthree\n'],
  [0, ''],
  [1, 'three\n'],
  [2, 'two\nthree\n'],
  [9, 'one\ntwo\nthree\n'],
])('the last %s lines', async (tailLines, expected) => {
  const log = createContainerLog(directory)
  log.begin().sink.write('one\ntwo\nthree\n')
  expect(await read(log, { tailLines })).toBe(expected)
})

test('a last line without an end is one too', async () => {
  const log = createContainerLog(directory)
  log.begin().sink.write('one\ntwo')
  expect(await read(log, { tailLines: 1 })).toBe('two')
})

test('each run has its own log, and the one before is kept', async () => {
  const log = createContainerLog(directory)
  for (const text of ['first\n', 'second\n', 'third\n']) log.begin().sink.write(text)
  expect([await read(log), await read(log, { previous: true })]).toEqual(['third\n', 'second\n'])
})

test('what an earlier process wrote can still be read', async () => {
  const run = createContainerLog(directory).begin()
  run.sink.write('before\n')
  run.end()
  const log = createContainerLog(directory)
  expect(await read(log)).toBe('before\n')
  log.begin().sink.write('after\n')
  expect([await read(log), await read(log, { previous: true })]).toEqual(['after\n', 'before\n'])
})

test('never holds more than two halves of its size, the newest', async () => {
  const log = createContainerLog(directory, 100)
  const { sink } = log.begin()
  for (let number = 10; number < 60; number += 1) sink.write(`line ${number}\n`)
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size)
  expect(sizes.every((size) => size <= 100)).toBe(true)
  const text = await read(log)
  expect(text.endsWith('line 58\nline 59\n')).toBe(true)
  expect(text.length).toBeGreaterThan(100)
})

test('a follower gets what stands there and what comes, until the run ends', async () => {
  const log = createContainerLog(directory)
  const run = log.begin()
  run.sink.write('before\n')
  const following = read(log, { follow: true })
  await Promise.resolve()
  run.sink.write('after\n')
  run.end()
  expect(await following).toBe('before\nafter\n')
})

test('a follower that is told to stop stops', async () => {
  const log = createContainerLog(directory)
  log.begin().sink.write('before\n')
  const stop = new AbortController()
  const following = read(log, { follow: true }, stop.signal)
  stop.abort()
  expect(await following).toBe('before\n')
})
