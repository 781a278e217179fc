import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Image, writeDockerArchive } from '../../../scripts/images/docker-archive.ts'
import { writeLayer } from '../../../scripts/images/layer.ts'
import {
  programsWithLibraries,
  requireProgram,
  writeNodeLayer,
  writeProductImages,
} from '../../../scripts/images/product.ts'
import { envoyPath } from '../envoy.ts'
import { requireTool } from '../kube-binaries.ts'
import { dnsImage } from './cluster-dns.ts'
import { pauseImage } from './containers.ts'

const root = join(import.meta.dirname, '../../..')
const environment = { PATH: '/usr/local/bin:/usr/bin' }

/** What the chart is told to run. */
export const productRepository = 'sluice.test/sluice'
export const productTag = 'test'

/** The service and the client of the demo. */
export const webImage = (version: string): string => `sluice.test/web:${version}`
export const webVersions = ['1.0.0', '2.0.0', '3.0.0'] as const

/** The product's images as its users build them, and those of this node and of plain programs, in one file. */
export async function writeTestImages(path: string, folder: string): Promise<void> {
  const dist = join(folder, 'dist')
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.ts'), '--out', dist])
  const product = { folder, dist, envoy: await envoyPath(), repository: productRepository, tag: productTag }
  const images = [
    ...(await writeProductImages(product)),
    ...(await nodeImages(folder)),
    ...(await programImages(folder)),
  ]
  await writeDockerArchive(path, images)
}

async function nodeImages(folder: string): Promise<readonly Image[]> {
  const sleep = { path: 'usr/bin/sleep', file: requireProgram('sleep', 'coreutils') }
  const coredns = { path: 'usr/bin/coredns', file: await requireTool('coredns') }
  const image = async (name: string, program: typeof sleep, command: readonly string[]): Promise<Image> => ({
    name,
    environment,
    layers: [await writeLayer(folder, await programsWithLibraries([program]))],
    command,
    user: 0,
  })
  return [await image(pauseImage, sleep, ['sleep', 'infinity']), await image(dnsImage, coredns, ['coredns'])]
}

async function programImages(folder: string): Promise<readonly Image[]> {
  const names = ['web', 'client', 'load']
  const programs = await writeLayer(
    folder,
    names.map((name) => ({ path: `app/${name}.ts`, file: join(root, `src/cli/demo/${name}.ts`), mode: 0o644 })),
  )
  const layers = [await writeNodeLayer(folder), programs]
  return webVersions.map((version) => ({
    name: webImage(version),
    environment: { ...environment, VERSION: version, HOST: '0.0.0.0', PORT: '8080' },
    layers,
    command: ['node', '/app/web.ts'],
    user: 1_000,
  }))
}
