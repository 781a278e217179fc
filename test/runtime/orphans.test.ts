import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { processesOfGroup } from '../support/processes.ts'

interface Parent {
  readonly process: ChildProcessByStdio<Writable, Readable, null>
  readonly group: number
}

async function startParent(behaviour: string): Promise<Parent> {
  const script = new URL('parent.ts', import.meta.url).pathname
  const parent = spawn(process.execPath, [script, behaviour], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(parent.stdout)[Symbol.asyncIterator]()
  const group = Number((await lines.next()).value)
  if (behaviour === 'stops its children') await lines.next()
  await eventually(() => expect(processesOfGroup(group)).toHaveLength(3), { what: 'shell and two sleeps' })
  return { process: parent, group }
}

const noneLeft = (group: number) => eventually(() => expect(processesOfGroup(group)).toEqual([]))

test('kill -9 of the parent leaves no orphan, grandchildren included', async () => {
  const parent = await startParent('stays')
  parent.process.kill('SIGKILL')
  await noneLeft(parent.group)
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
