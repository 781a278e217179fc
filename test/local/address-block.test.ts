import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { claimBlock } from '../../src/local/platform/address-block.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'

const root = mkdtempSync(join(tmpdir(), 'sluice-blocks-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const start = async (name: string) => {
  const dataDirectory = join(root, name)
  const kubeconfigPath = join(root, `${name}.kubeconfig`)
  const block = await claimBlock({ dataDirectory, kubeconfigPath, clock: systemClock, log: silentLogger })
  const stop = new AbortController()
  const serving = block.serve(stop.signal)
  return {
    prefix: block.prefix,
    async stop() {
      stop.abort()
      await serving
    },
  }
}

test('nobody takes the block of a platform that is down, as long as its data is there', async () => {
  const first = await start('first')
  await first.stop()
  const second = await start('second')
  expect(second.prefix).not.toBe(first.prefix)
  const again = await start('first')
  expect(again.prefix).toBe(first.prefix)
  await Promise.all([second.stop(), again.stop()])
})
