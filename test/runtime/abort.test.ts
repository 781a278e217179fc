import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { runTogether, type SignalSource, untilAborted, untilSignal } from '../../src/runtime/index.ts'

class FakeProcess extends EventEmitter implements SignalSource {
  readonly exits: number[] = []
  exit(code: number): void {
    this.exits.push(code)
  }
}

describe('untilSignal', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('%s fires the signal; a second one ends the process', (name, code) => {
    const source = new FakeProcess()
    const stop = untilSignal(source)
    expect(stop.signal.aborted).toBe(false)
    source.emit(name)
    expect([stop.signal.aborted, source.exits]).toEqual([true, []])
    source.emit(name)
    expect(source.exits).toEqual([code])
  })

  test('stops listening when disposed', () => {
    const source = new FakeProcess()
    untilSignal(source)[Symbol.dispose]()
    expect([source.listenerCount('SIGINT'), source.listenerCount('SIGTERM')]).toEqual([0, 0])
  })
})

test('untilAborted resolves for a signal that fires and for one that has fired', async () => {
  const controller = new AbortController()
  const waits = untilAborted(controller.signal)
  controller.abort()
  await waits
  await untilAborted(controller.signal)
})

describe('runTogether', () => {
  const ended: string[] = []
  const waits = (name: string) => async (signal: AbortSignal) => {
    await untilAborted(signal)
    ended.push(name)
  }

  test('ends when the signal fires and all have ended', async () => {
    const controller = new AbortController()
    const all = runTogether(controller.signal, [waits('a'), waits('b')])
    controller.abort()
    await all
    expect(ended.splice(0)).toEqual(['a', 'b'])
  })

  test('stops the others when one fails, and rejects with the failure', async () => {
    const failing = async () => {
      throw new Error('port in use')
    }
    const late = async (signal: AbortSignal) => {
      await untilAborted(signal)
      throw new Error('later failure')
    }
    await expect(runTogether(new AbortController().signal, [waits('a'), failing, late])).rejects.toThrow('port in use')
    expect(ended.splice(0)).toEqual(['a'])
  })
})
