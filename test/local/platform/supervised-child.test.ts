import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createContainerLog } from '../../../src/local/node-agent/index.ts'
import { createSupervisedChild } from '../../../src/local/platform/supervised-child.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { eventually } from '../../support/eventually.ts'

const directory = mkdtempSync(join(tmpdir(), 'sluice-supervised-'))
afterAll(() => rmSync(directory, { recursive: true }))

function supervise(name: string, script: string) {
  const output = createContainerLog(join(directory, name))
  const child = createSupervisedChild({
    name,
    argv: ['sh', '-c', script],
    env: { PATH: process.env.PATH },
    output,
    outputPath: join(directory, name, 'current.log'),
    isReady: async () => output.tail(1_000).includes('up'),
    clock: systemClock,
    log: silentLogger,
    random: () => 0,
  })
  return { child, output }
}

test('is ready when it says so, and started again when it dies', async () => {
  const stop = new AbortController()
  const { child, output } = supervise('steady', 'echo up $$; sleep 600')
  const running = child.start(stop.signal)
  await child.ready
  const first = Number(output.tail(100).split(' ')[1])
  process.kill(first, 'SIGKILL')
  const second = await eventually(() => {
    const pid = Number(output.tail(100).split(' ')[1])
    expect(pid).toBeGreaterThan(0)
    expect(pid).not.toBe(first)
    return pid
  })
  stop.abort()
  await running
  expect(() => process.kill(second, 0)).toThrow('ESRCH')
})

test('that ends before it is ready says why', async () => {
  const stop = new AbortController()
  const { child } = supervise('sickly', 'echo no luck today; exit 3')
  const running = child.start(stop.signal)
  await expect(child.ready).rejects.toThrow(
    `sickly ended with exit code 3: no luck today (its output is in ${directory}/sickly/current.log)`,
  )
  stop.abort()
  await running
})

test('that crashes as a Node program says its error', async () => {
  const stop = new AbortController()
  const { child } = supervise('crashing', `"${process.execPath}" -e 'require("no-such-package")' 2>&1`)
  const running = child.start(stop.signal)
  await expect(child.ready).rejects.toThrow(
    "crashing ended with exit code 1: Error: Cannot find module 'no-such-package' (its output",
  )
  stop.abort()
  await running
})
