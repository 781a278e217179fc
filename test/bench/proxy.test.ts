import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { bareConfigurations, createTls } from '../../scripts/bench-proxy/bare.ts'
import type { Measured, Round } from '../../scripts/bench-proxy/measure.ts'
import { readOptions } from '../../scripts/bench-proxy/options.ts'
import { summarize } from '../../scripts/bench-proxy/summary.ts'
import { temporaryDirectory } from '../support/directory.ts'
import { envoyPath } from '../support/envoy.ts'

test('Envoy accepts the bare configurations', async () => {
  const options = { prefix: '127.9', application: { address: '127.9.64.1', port: 8080 } }
  const envoy = await envoyPath()
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'envoy.json')
  for (const text of bareConfigurations(options, await createTls())) {
    await writeFile(path, text)
    const args = ['--mode', 'validate', '-c', path, '--disable-hot-restart', '-l', 'error']
    const { stdout, stderr } = await promisify(execFile)(envoy, args)
    expect(`${stdout}${stderr}`.trim()).toBe(`configuration '${path}' OK`)
  }
})

describe('options', () => {
  test('are those of the bars unless said', () => {
    const standard = { rate: 1_000, connections: 16, bytes: 1_024, seconds: 10, rounds: 3, json: false }
    expect(readOptions([])).toEqual(standard)
    expect(readOptions(['--awake', 'poll', '--rate=50', '--json'])).toEqual({
      ...standard,
      awake: 'poll',
      rate: 50,
      json: true,
    })
  })

  test.each([
    ['--awake', 'always'],
    ['--rounds', '0'],
    ['--seconds', 'ten'],
    ['--arm', 'bare'],
  ])('%s %s is refused by its name', (name, value) => {
    expect(() => readOptions([name, value])).toThrow(name.slice(2))
  })
})

test('what is added, medians over the rounds, and as a multiple of what bare Envoys add', () => {
  const spread = (p50: number) => ({ p50, p90: 2 * p50, p99: 4 * p50 })
  const measured = (p50: number, processorMicros: readonly number[] = []): Measured => ({
    ...spread(p50),
    errors: 1,
    processorMicros,
    stolenPercent: p50,
  })
  // Machines get slower from round to round; what is added does not.
  const round = (direct: number): Round => ({
    waking: { timer: spread(direct), thereAndBack: spread(2 * direct) },
    arms: {
      direct: measured(direct),
      plain: measured(direct + 2, [300, 100]),
      mtls: measured(direct + 3, [300, 300]),
      bare: measured(direct + 1, [100, 100]),
      bareMtls: measured(direct + 2, [200, 200]),
    },
  })
  const errors = 3
  expect(summarize([round(1), round(5), round(3)])).toEqual({
    absolute: {
      direct: { ...spread(3), errors },
      plain: { ...spread(5), errors },
      mtls: { ...spread(6), errors },
      bare: { ...spread(4), errors },
      bareMtls: { ...spread(5), errors },
    },
    added: {
      plain: { ...spread(2), processorMicros: [300, 100] },
      mtls: { ...spread(3), processorMicros: [300, 300] },
      bare: { ...spread(1), processorMicros: [100, 100] },
      bareMtls: { ...spread(2), processorMicros: [200, 200] },
    },
    ratio: { plain: { p50: 2, p99: 2, processorTime: 2 }, mtls: { p50: 1.5, p99: 1.5, processorTime: 1.5 } },
    machine: { timer: spread(3), thereAndBack: spread(6), stolenPercent: 5, stolenPercentMost: 8 },
  })
})
