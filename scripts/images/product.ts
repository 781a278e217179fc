import { readdir, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { findExecutable } from '../../src/runtime/index.ts'
import type { Image } from './docker-archive.ts'
import { type LayerEntry, writeLayer } from './layer.ts'
import { librariesOf } from './libraries.ts'

const PATH = '/usr/local/bin:/usr/bin:/usr/sbin'

/** As the chart's pods do: nobody in particular. */
const nonRoot = 65_532
const proxyUser = 1337

/** What every image has: who is who, and where the loader looks for libraries. */
const skeleton: readonly LayerEntry[] = [
  { path: 'tmp', directory: 0o1777 },
  { path: 'bin', link: 'usr/bin' },
  { path: 'lib', link: 'usr/lib' },
  { path: 'lib64', link: 'usr/lib64' },
  { path: 'sbin', link: 'usr/sbin' },
  {
    path: 'etc/passwd',
    text: `root:x:0:0:root:/:/sbin/nologin\nproxy:x:${proxyUser}:${proxyUser}:proxy:/:/sbin/nologin\nnonroot:x:${nonRoot}:${nonRoot}:nonroot:/:/sbin/nologin\n`,
  },
  { path: 'etc/group', text: `root:x:0:\nproxy:x:${proxyUser}:\nnonroot:x:${nonRoot}:\n` },
  { path: 'etc/nsswitch.conf', text: 'passwd: files\ngroup: files\nhosts: files dns\n' },
]

/** A program of this machine at its place in an image. */
export interface PlacedProgram {
  readonly path: string
  readonly file: string
}

/** Entries of programs with the libraries that they need, on a system that has nothing else. */
export async function programsWithLibraries(programs: readonly PlacedProgram[]): Promise<readonly LayerEntry[]> {
  const libraries = await librariesOf(programs.map(({ file }) => file))
  return [...skeleton, ...libraries.map((file) => ({ path: pathInImage(file), file })), ...programs]
}

/** Machines differ in whether /lib is a link to /usr/lib. */
const pathInImage = (file: string): string => (file.startsWith('/usr/') ? file.slice(1) : `usr${file}`)

export function requireProgram(name: string, debianPackage: string): string {
  const found = findExecutable(name, { path: `${process.env.PATH}:/usr/sbin:/sbin` })
  if (found === undefined) throw new Error(`${name} is needed for the images: apt-get install ${debianPackage}`)
  return found
}

/** Node, with what its scripts are started by. */
export async function writeNodeLayer(folder: string) {
  return writeLayer(
    folder,
    await programsWithLibraries([
      { path: 'usr/local/bin/node', file: process.execPath },
      { path: 'usr/bin/env', file: requireProgram('env', 'coreutils') },
    ]),
  )
}

/** As the chart makes them of its values. */
export const productNames = (repository: string, tag: string) => ({
  program: `${repository}:${tag}`,
  proxy: `${repository}-proxy:${tag}`,
})

export interface ProductOptions {
  /** Where layers are written. */
  readonly folder: string
  /** What `npm run build` made. */
  readonly dist: string
  readonly envoy: string
  /** Such as `registry.example/sluice`; that of proxies is the same with `-proxy`. */
  readonly repository: string
  readonly tag: string
}

/** The images that the chart names: of the controller and the mesh, and of sidecars with their init containers. */
export async function writeProductImages(options: ProductOptions): Promise<readonly [Image, Image]> {
  const { folder, dist, repository, tag } = options
  const chunks = await readdir(dist)
  const program = await writeLayer(folder, [
    ...chunks
      .filter((name) => name.endsWith('.mjs'))
      .map((name) => ({ path: `opt/sluice/${name}`, file: join(dist, name) })),
    { path: 'usr/local/bin/sluice', link: '/opt/sluice/sluice.mjs' },
  ])
  const proxy = await writeLayer(folder, await proxyEntries(options.envoy))
  const names = productNames(repository, tag)
  const common = { environment: { PATH } }
  return [
    {
      ...common,
      name: names.program,
      layers: [await writeNodeLayer(folder), program],
      command: ['sluice', '--help'],
      user: nonRoot,
    },
    {
      ...common,
      name: `${repository}-proxy:${tag}`,
      layers: [proxy],
      command: ['envoy', '--version'],
      user: proxyUser,
    },
  ]
}

async function proxyEntries(envoy: string): Promise<readonly LayerEntry[]> {
  const tables = await realpath(requireProgram('xtables-nft-multi', 'iptables'))
  const matches = await extensionsOf(tables)
  return [
    ...(await programsWithLibraries([
      { path: 'usr/local/bin/envoy', file: envoy },
      { path: 'usr/sbin/xtables-nft-multi', file: tables },
    ])),
    { path: 'usr/sbin/iptables-restore', link: 'xtables-nft-multi' },
    ...matches,
  ]
}

/** Matches and targets of rules are libraries that nobody is linked with, in a folder beside those that are. */
async function extensionsOf(tables: string): Promise<readonly LayerEntry[]> {
  const library = (await librariesOf([tables])).find((path) => basename(path).startsWith('libxtables.so'))
  if (library === undefined) throw new Error(`${tables} is linked with no libxtables`)
  const folder = join(dirname(await realpath(library)), 'xtables')
  const names = (await readdir(folder)).filter((name) => /^lib(xt|ipt)_.*\.so$/.test(name))
  return names.map((name) => ({ path: `${folder.slice(1)}/${name}`, file: join(folder, name) }))
}
