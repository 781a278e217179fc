import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const run = promisify(execFile)

test('the release runs where there are no packages', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-build-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const build = join(import.meta.dirname, '../../scripts/build.ts')
  await run(process.execPath, [build, '--out', folder])
  const program = join(folder, 'sluice.mjs')
  const sluice = (...words: readonly string[]) => run(process.execPath, [program, ...words])
  expect((await sluice('--version')).stdout).toBe('0.1.0\n')
  // These load the controller and the mesh, and what reads kubeconfigs, before they find that there is none.
  for (const command of ['controller', 'mesh']) {
    const failed = await sluice(command, '--kubeconfig', join(folder, 'none')).catch((error) => error)
    expect([command, failed.stderr]).toEqual([command, expect.stringMatching(/^sluice: .*none cannot be read: ENOENT/)])
  }
  // Node's own fetch and HTTP/2 are a tenth of the controller's memory, and it uses neither.
  const list = "process.on('exit', () => console.log(process.moduleLoadList.join()))"
  const controller = [program, 'controller', '--kubeconfig', join(folder, 'none')]
  const { stdout } = await run(process.execPath, ['--import', `data:text/javascript,${list}`, ...controller]).catch(
    (error) => error,
  )
  expect(
    stdout.split(',').filter((name: string) => /NativeModule (http2?|internal\/deps\/undici\/.*)$/.test(name)),
  ).toEqual(['NativeModule http'])
})
