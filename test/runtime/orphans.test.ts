import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { processesOfGroup } from '../support/processes.ts'

interface Parent {
  readonly process: ChildProcessByStdio<Writable, Readable, null>
  readonly group: number
}

async function startParent(behaviour: string, path = process.env.PATH): Promise<Parent> {
  const script = new URL('parent.ts', import.meta.url).pathname
  const parent = spawn(process.execPath, [script, behaviour], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PATH: path },
  })
  const lines = createInterface(parent.stdout)[Symbol.asyncIterator]()
  const group = Number((await lines.next()).value)
  if (behaviour === 'stops its children') await lines.next()
  await eventually(() => expect(processesOfGroup(group)).toHaveLength(3), { what: 'shell and two sleeps' })
  return { process: parent, group }
}

function watchdogOf(parent: Parent): number {
  const children = readFileSync(`/proc/${parent.process.pid}/task/${parent.process.pid}/children`, 'utf8')
  const isWatchdog = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sluice-watchdog')
  const [watchdog] = children.trim().split(' ').filter(isWatchdog)
  expect(watchdog).toBeDefined()
  return Number(watchdog)
}

const noneLeft = (group: number) => eventually(() => expect(processesOfGroup(group)).toEqual([]))

test('kill -9 of the parent leaves no orphan, grandchildren included', async () => {
  const parent = await startParent('stays')
  parent.process.kill('SIGKILL')
  await noneLeft(parent.group)
})

test('kill -9 of the parent leaves no orphan where there is no setpriv', async () => {
  const bin = mkdtempSync(join(tmpdir(), 'sluice-bin-'))
  for (const name of ['sh', 'sleep']) symlinkSync(`/bin/${name}`, join(bin, name))
  const parent = await startParent('stays', bin)
  parent.process.kill('SIGKILL')
  await noneLeft(parent.group)
  rmSync(bin, { recursive: true })
})

test('a watchdog that was killed is replaced', async () => {
  const parent = await startParent('stays')
  const first = watchdogOf(parent)
  process.kill(first, 'SIGKILL')
  await eventually(() => expect(watchdogOf(parent)).not.toBe(first))
  parent.process.kill('SIGKILL')
  await noneLeft(parent.group)
})

test('a later process that got the number of a guarded group is spared', async () => {
  const parent = await startParent('mistakes the start time')
  const watchdog = watchdogOf(parent)
  parent.process.kill('SIGKILL')
  await eventually(() => expect(processesOfGroup(watchdog)).toEqual([]), { what: 'the watchdog ended' })
  expect(processesOfGroup(parent.group)).toHaveLength(3)
  process.kill(-parent.group, 'SIGKILL')
})

test('SIGTERM to a parent that does not handle it leaves no orphan', async () => {
  const parent = await startParent('stays')
  parent.process.kill('SIGTERM')
  await noneLeft(parent.group)
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to a parent that stops its children is an orderly end',
  async (signal) => {
    const parent = await startParent('stops its children')
    parent.process.kill(signal)
    expect(await once(parent.process, 'exit')).toEqual([0, null])
    expect(processesOfGroup(parent.group)).toEqual([])
  },
)

test('a parent that simply ends leaves no orphan', async () => {
  const parent = await startParent('returns')
  parent.process.stdin.end('go\n')
  expect(await once(parent.process, 'exit')).toEqual([0, null])
  await noneLeft(parent.group)
})
