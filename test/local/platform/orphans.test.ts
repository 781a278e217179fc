import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { processesNaming } from '../../support/local-platform.ts'

interface Running extends AsyncDisposable {
  readonly process: ChildProcess
  readonly directory: string
}

/** A platform in a process of its own, with a plain and a meshed pod running. */
async function startPlatform(): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-orphans-'))
  const script = new URL('parent.ts', import.meta.url).pathname
  const parent = spawn(process.execPath, [script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Programs of pods inherit TMPDIR: it marks them as this platform's.
    env: { ...process.env, TMPDIR: directory },
  })
  const [line] = await Promise.race([once(createInterface(parent.stdout), 'line'), once(parent, 'exit')])
  expect(line).toBe('up')
  return {
    process: parent,
    directory,
    async [Symbol.asyncDispose]() {
      parent.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const kindsOf = (directory: string): readonly string[] =>
  ['envoy -c', '--config.file', 'main.ts mesh', 'main.ts controller', 'sleep 600', 'createServer'].filter((part) =>
    processesNaming(directory).some(({ command }) => command.includes(part)),
  )

/** A platform starts within seconds on an idle machine; a busy one is no failure. */
const patience = { timeout: 240_000 }

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends everything in order', patience, async (signal) => {
  await using running = await startPlatform()
  const { process: parent, directory } = running
  expect(kindsOf(directory)).toHaveLength(6)
  parent.kill(signal)
  expect(await once(parent, 'exit')).toEqual([0, null])
  expect(processesNaming(directory)).toEqual([])
})

test('kill -9 leaves nothing behind either', patience, async () => {
  await using running = await startPlatform()
  const { process: parent, directory } = running
  expect(kindsOf(directory)).toHaveLength(6)
  parent.kill('SIGKILL')
  await eventually(() => expect(processesNaming(directory)).toEqual([]))
})
