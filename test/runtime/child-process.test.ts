import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { type ChildOptions, silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { eventually } from '../support/eventually.ts'
import { processesOfGroup } from '../support/processes.ts'

const shell = (script: string, options: Partial<ChildOptions> = {}) =>
  spawnChild({
    command: 'sh',
    args: ['-c', script],
    env: { PATH: process.env.PATH },
    stdout: 'ignore',
    stderr: 'ignore',
    log: silentLogger,
    ...options,
  })

describe('the end of a child', () => {
  test.each([
    ['its exit code', 'exit 7', { code: 7, signal: null }],
    ['the signal that killed it', 'kill -KILL $$', { code: null, signal: 'SIGKILL' }],
  ])('carries %s', async (_, script, exit) => {
    expect(await shell(script).exited).toEqual(exit)
  })

  test('comes after the last of its output, and the sinks stay open', async () => {
    const stdout = new PassThrough()
    const stderr = new PassThrough()
    const child = shell('i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo oops >&2', {
      stdout,
      stderr,
    })
    const printed = text(stdout)
    await child.exited
    expect([stdout.writable, stderr.writable]).toEqual([true, true])
    stdout.end()
    stderr.end()
    const lines = (await printed).trimEnd().split('\n')
    expect([lines.length, lines.at(-1), await text(stderr)]).toEqual([2000, 'line 1999', 'oops\n'])
  })

  test('leaves nothing on a sink that goes on, even where the output was cut off', async () => {
    const sink = new PassThrough().resume()
    const listeners = () => sink.eventNames().map((name) => [name, sink.listenerCount(name)])
    const before = listeners()
    await shell('echo out; echo err >&2', { stdout: sink, stderr: sink }).exited
    await shell('setsid sh -c "echo left; exec sleep 5" & sleep 600', { stdout: sink }).stop({ graceMs: 10 })
    await eventually(() => expect(listeners()).toEqual(before))
  })

  test('is not held up by a sink that broke', async () => {
    const sink = new PassThrough().on('error', () => {})
    const child = shell('i=0; while [ $i -lt 20000 ]; do echo a line that fills the pipe $i; i=$((i+1)); done', {
      stdout: sink,
    })
    sink.destroy(new Error('disk full'))
    expect(await child.exited).toEqual({ code: 0, signal: null })
  })

  test('takes grandchildren along that it left behind', async () => {
    const child = shell('sleep 600 & sleep 600 & exit 0')
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(processesOfGroup(child.pid)).toEqual([])
  })

  test('is not held up by a process that left the group and keeps the output open', async () => {
    const stdout = new PassThrough()
    const child = shell('setsid sh -c "echo left; exec sleep 5" & exec sleep 600', { stdout })
    await eventually(() => expect(String(stdout.read() ?? '')).toBe('left\n'))
    child.kill('SIGKILL')
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })
})

describe('the environment of a child', () => {
  test('is exactly what was given', async () => {
    const stdout = new PassThrough()
    const child = spawnChild({
      command: '/usr/bin/env',
      env: { GREETING: 'hello', ABSENT: undefined },
      cwd: '/',
      stdout,
      stderr: 'ignore',
      log: silentLogger,
    })
    await child.exited
    stdout.end()
    expect(await text(stdout)).toBe('GREETING=hello\n')
  })
})

describe('stop', () => {
  test('ends the whole group by SIGTERM', async () => {
    const child = shell('sleep 600 & sleep 600')
    await eventually(() => expect(processesOfGroup(child.pid)).toHaveLength(3))
    await child.stop({ graceMs: 60_000 })
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' })
    expect(processesOfGroup(child.pid)).toEqual([])
  })

  test('kills a group that ignores SIGTERM once the grace is over', async () => {
    const stdout = new PassThrough()
    const child = shell('trap "" TERM; echo ready; sleep 600 & sleep 600; sleep 600', { stdout })
    await eventually(() => expect(String(stdout.read() ?? '')).toBe('ready\n'))
    await child.stop({ graceMs: 50 })
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' })
    expect(processesOfGroup(child.pid)).toEqual([])
  })

  test('after the end is no error', async () => {
    const child = shell('exit 0')
    await child.exited
    child.kill('SIGKILL')
    await child.stop({ graceMs: 1 })
  })
})

describe('a child that can not start', () => {
  test.each([
    [
      'a name that is not on PATH',
      { command: 'no-such-command' },
      'no such executable file, nor one of that name on PATH',
    ],
    ['a path that is no file', { command: '/nowhere/at/all' }, 'no such executable file'],
    ['a file that is not executable', { command: '/etc/passwd' }, 'no such executable file'],
    ['a directory that does not exist', { command: '/bin/sh', cwd: '/nowhere' }, 'in "/nowhere": the system refused'],
  ])('throws at once: %s', (_, options, message) => {
    expect(() => shell('exit 0', options)).toThrow(message)
  })
})
