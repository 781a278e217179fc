import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { provisionEnvoy } from '../src/local/tools/index.ts'
import { writeDockerArchive } from './images/docker-archive.ts'
import { writeProductImages } from './images/product.ts'

/**
 * `npm run build:images [-- --repository R --tag T --out FOLDER]`: the two images that the chart names, each as a file
 * that `docker load` reads. Nothing but this machine's own programs and libraries is in them.
 */
const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
const { values } = parseArgs({
  options: {
    repository: { type: 'string', default: 'sluice' },
    tag: { type: 'string', default: String(version) },
    out: { type: 'string', default: join(root, 'dist', 'images') },
  },
})

const envoy = await provisionEnvoy({ environment: process.env, report: () => {}, signal: AbortSignal.timeout(600_000) })
const folder = await mkdtemp(join(tmpdir(), 'sluice-images-'))
try {
  const { repository, tag } = values
  const images = await writeProductImages({ folder, dist: join(root, 'dist'), envoy: envoy.path, repository, tag })
  await mkdir(values.out, { recursive: true })
  for (const image of images) {
    const path = join(values.out, `${basename(image.name).replace(/:.*/, '')}.tar`)
    await writeDockerArchive(path, [image])
    const bytes = image.layers.reduce((sum, layer) => sum + layer.bytes, 0)
    console.log(`${path}: ${image.name}, ${(bytes / 1e6).toFixed(0)} MB`)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
