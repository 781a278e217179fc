import { expect, test } from 'vitest'
import { stopInOrder } from '../../../src/local/platform/stop-in-order.ts'
import { untilAborted } from '../../../src/runtime/index.ts'

const recorder = () => {
  const said: string[] = []
  const part =
    (name: string, until = untilAborted) =>
    async (signal: AbortSignal) => {
      await until(signal)
      said.push(`${name} told`)
      await Promise.resolve()
      said.push(`${name} ended`)
    }
  return { said, part }
}

test('each layer is told when the one before has ended', async () => {
  const { said, part } = recorder()
  const stop = new AbortController()
  const running = stopInOrder(stop.signal, [[part('a')], [part('b')], [part('c')]])
  stop.abort()
  await running
  expect(said).toEqual(['a told', 'a ended', 'b told', 'b ended', 'c told', 'c ended'])
})

test('a failure of any layer stops all in the same order, and is passed on', async () => {
  const { said, part } = recorder()
  const fails = async () => {
    throw new Error('no')
  }
  await expect(
    stopInOrder(new AbortController().signal, [[part('a')], [part('b'), fails], [part('c')]]),
  ).rejects.toThrow('no')
  expect(said).toEqual(['a told', 'a ended', 'b told', 'b ended', 'c told', 'c ended'])
})

test('an early end stops the others', async () => {
  const { said, part } = recorder()
  await stopInOrder(new AbortController().signal, [[part('a')], [async () => {}]])
  expect(said).toEqual(['a told', 'a ended'])
})
