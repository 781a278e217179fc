import { existsSync } from 'node:fs'
import { open, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { silentLogger, spawnChild } from '../../src/runtime/index.ts'
import type { BenchOptions } from './options.ts'

/**
 * Processors that have nothing to do stay awake until it is disposed of, or this process ends. `poll` asks the kernel for
 * it, as latency-tuned hosts do (root). `loops` runs one of the lowest priority on each processor.
 */
export function keepAwake(how: BenchOptions['awake']): Promise<AsyncDisposable> {
  switch (how) {
    case undefined:
      return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() })
    case 'poll':
      return poll()
    case 'loops':
      return loop()
    default:
      return how satisfies never
  }
}

async function poll(): Promise<AsyncDisposable> {
  const driver = await readFile('/sys/devices/system/cpu/cpuidle/current_driver', 'utf8')
  if (driver.trim() === 'none') throw new Error('--awake poll: this kernel has no idle driver; use --awake loops')
  // The kernel takes the wish back when the file is closed.
  const latency = await open('/dev/cpu_dma_latency', 'r+')
  const microseconds = Buffer.alloc(Int32Array.BYTES_PER_ELEMENT)
  await latency.write(microseconds)
  return latency
}

async function loop(): Promise<AsyncDisposable> {
  const processors = Array.from({ length: availableParallelism() }, (_, index) => index).join(' ')
  const idle = `chrt --idle 0 sh -c 'while :; do :; done'`
  const child = spawnChild({
    command: 'sh',
    args: ['-c', `for processor in ${processors}; do taskset -c "$processor" ${idle} & done; wait`],
    env: { PATH: process.env.PATH },
    stdout: 'ignore',
    stderr: process.stderr,
    log: silentLogger,
  })
  // Where each session has a group of its own, groups have equal shares, whatever their processes' policy is.
  const group = `/proc/${child.pid}/autogroup`
  if (existsSync(group)) await writeFile(group, '19')
  return { [Symbol.asyncDispose]: () => child.stop({ graceMs: 1_000 }) }
}
