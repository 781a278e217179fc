import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import type { Layer } from './layer.ts'

export interface Image {
  /** With its tag, such as `registry.example/sluice:1.2.3`. */
  readonly name: string
  /** The lowest first. */
  readonly layers: readonly Layer[]
  readonly environment: Readonly<Record<string, string>>
  /** What a container without a command runs. */
  readonly command: readonly string[]
  /** Number of the user that runs it. */
  readonly user: number
}

/** Writes images as `docker save` does; `docker load`, `ctr images import`, skopeo and crane read it. */
export async function writeDockerArchive(path: string, images: readonly Image[]): Promise<void> {
  const tar = pack()
  await Promise.all([pipeline(tar, createWriteStream(path)), addImages(tar, images)])
}

async function addImages(tar: Pack, images: readonly Image[]): Promise<void> {
  const layers = new Map(images.flatMap((image) => image.layers.map((layer) => [layer.digest, layer])))
  for (const layer of layers.values()) await addLayer(tar, layer)
  const manifest = []
  for (const image of images) {
    const configuration = JSON.stringify(configurationOf(image))
    const name = `${createHash('sha256').update(configuration).digest('hex')}.json`
    await addText(tar, name, configuration)
    manifest.push({ Config: name, RepoTags: [image.name], Layers: image.layers.map(({ digest }) => `${digest}.tar`) })
  }
  await addText(tar, 'manifest.json', JSON.stringify(manifest))
  tar.finalize()
}

const configurationOf = ({ layers, environment, command, user }: Image) => ({
  architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  os: 'linux',
  created: '1970-01-01T00:00:00Z',
  config: {
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Cmd: command,
    User: `${user}`,
    WorkingDir: '/',
  },
  rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
  history: layers.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'sluice build:images' })),
})

const addLayer = (tar: Pack, { path, digest, bytes }: Layer): Promise<void> => {
  const entry = tar.entry({ name: `${digest}.tar`, size: bytes, mtime: new Date(0) })
  return pipeline(createReadStream(path), entry)
}

const addText = (tar: Pack, name: string, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    tar.entry({ name, mtime: new Date(0) }, text, (error) => (error ? reject(error) : resolve()))
  })
