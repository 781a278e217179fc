import { PassThrough } from 'node:stream'
import { silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { requireTool } from './kube-binaries.ts'

/** A real registry server (go-containerregistry's), which keeps its images in memory. */
export interface RunningRegistry extends AsyncDisposable {
  /** Such as `localhost:41234`. */
  readonly host: string
  /** Gives tags to an image without content. */
  push(repository: string, ...tags: readonly string[]): Promise<void>
}

/** Why tests that need a real registry are skipped; undefined where they run. Says so aloud. */
export function registrySkipReason(): string | undefined {
  if (process.env.SLUICE_TEST_REGISTRY === '1') return undefined
  const reason =
    'SKIPPED image policies on a real registry. To run: set SLUICE_TEST_REGISTRY=1 (builds it once, needs Go)'
  console.warn(reason)
  return reason
}

/** Starts it on a free port; builds it first where the cache has none. */
export async function startRegistry(): Promise<RunningRegistry> {
  const output = new PassThrough()
  const child = spawnChild({
    command: await requireTool('registry'),
    args: ['-port', '0'],
    env: process.env,
    stdout: 'ignore',
    stderr: output,
    log: silentLogger,
  })
  const host = `localhost:${await readPort(output)}`
  return {
    host,
    async push(repository, ...tags) {
      for (const tag of tags) await pushManifest(`http://${host}/v2/${repository}/manifests/${tag}`)
    },
    async [Symbol.asyncDispose]() {
      await child.stop({ graceMs: 2_000 })
    },
  }
}

/** It says where it listens on its first line. */
async function readPort(output: PassThrough): Promise<string> {
  let text = ''
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    const port = /serving on port (\d+)/.exec(text)?.[1]
    if (port === undefined) continue
    output.resume()
    return port
  }
  throw new Error(`the registry did not start: ${text}`)
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
/** Digest of the empty object, as OCI has it for images without content. */
const EMPTY = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
  size: 2,
}

async function pushManifest(url: string): Promise<void> {
  const body = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: EMPTY, layers: [] })
  const response = await fetch(url, { method: 'PUT', headers: { 'content-type': MANIFEST }, body })
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status} ${await response.text()}`)
}
