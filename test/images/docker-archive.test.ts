import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { extract } from 'tar-stream'
import { expect, test } from 'vitest'
import { type Image, writeDockerArchive } from '../../scripts/images/docker-archive.ts'
import { type LayerEntry, writeLayer } from '../../scripts/images/layer.ts'
import { librariesOf } from '../../scripts/images/libraries.ts'
import { temporaryDirectory } from '../support/directory.ts'

interface Member {
  readonly name: string
  readonly type: string | null | undefined
  readonly mode: number | undefined
  readonly linkname: string | null | undefined
  readonly content: Buffer
}

async function membersOf(path: string): Promise<readonly Member[]> {
  const members: Member[] = []
  const tar = createReadStream(path).pipe(extract())
  for await (const entry of tar) {
    const { name, type, mode, linkname } = entry.header
    members.push({ name, type, mode, linkname, content: await buffer(entry) })
  }
  return members
}

test('a layer has its entries, each below its directories, whatever their order', async () => {
  await using directory = await temporaryDirectory()
  await writeFile(join(directory.path, 'program'), 'runs')
  const entries: readonly LayerEntry[] = [
    { path: 'usr/bin/program', file: join(directory.path, 'program') },
    { path: 'etc/passwd', text: 'root' },
    { path: 'bin', link: 'usr/bin' },
    { path: 'tmp', directory: 0o1777 },
  ]
  const layer = await writeLayer(directory.path, entries)
  expect(await writeLayer(directory.path, entries.toReversed())).toEqual(layer)
  expect(layer.digest).toBe(
    createHash('sha256')
      .update(await readFile(layer.path))
      .digest('hex'),
  )
  const seen = (await membersOf(layer.path)).map(({ name, type, mode, linkname, content }) => [
    name,
    type,
    type === 'symlink' ? linkname : mode,
    content.toString(),
  ])
  expect(seen).toEqual([
    ['bin', 'symlink', 'usr/bin', ''],
    ['etc/', 'directory', 0o755, ''],
    ['etc/passwd', 'file', 0o644, 'root'],
    ['tmp/', 'directory', 0o1777, ''],
    ['usr/', 'directory', 0o755, ''],
    ['usr/bin/', 'directory', 0o755, ''],
    ['usr/bin/program', 'file', 0o755, 'runs'],
  ])
})

test('an archive of two images has the layer that they share once, and configurations that name what is there', async () => {
  await using directory = await temporaryDirectory()
  await mkdir(join(directory.path, 'layers'))
  const layer = (text: string) => writeLayer(join(directory.path, 'layers'), [{ path: 'text', text }])
  const [base, one, two] = [await layer('base'), await layer('one'), await layer('two')]
  const image = (name: string, top: typeof base): Image => ({
    name,
    layers: [base, top],
    environment: { PATH: '/usr/bin' },
    command: ['text'],
    user: 7,
  })
  const path = join(directory.path, 'images.tar')
  await writeDockerArchive(path, [image('a:1', one), image('b:2', two)])
  const members = new Map((await membersOf(path)).map(({ name, content }) => [name, content]))
  const manifest = JSON.parse(String(members.get('manifest.json')))
  expect(manifest).toEqual([
    { Config: expect.any(String), RepoTags: ['a:1'], Layers: [`${base.digest}.tar`, `${one.digest}.tar`] },
    { Config: expect.any(String), RepoTags: ['b:2'], Layers: [`${base.digest}.tar`, `${two.digest}.tar`] },
  ])
  expect(members.size).toBe(6)
  expect(members.get(`${one.digest}.tar`)).toEqual(await readFile(one.path))
  expect(JSON.parse(String(members.get(manifest[1].Config)))).toMatchObject({
    os: 'linux',
    config: { Env: ['PATH=/usr/bin'], Cmd: ['text'], User: '7' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${base.digest}`, `sha256:${two.digest}`] },
  })
})

test('the libraries of a program are those that it is linked with, and the loader', async () => {
  const libraries = await librariesOf([process.execPath])
  expect(libraries.filter((path) => /\/libc\.so\.6$|\/ld-linux/.test(path))).toHaveLength(2)
})
