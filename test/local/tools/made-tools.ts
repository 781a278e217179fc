import { createHash } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { crc32, deflateRawSync, gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import type { Tool, ToolEvent, ToolSource } from '../../../src/local/tools/index.ts'

/** A script that answers `--version` as Envoy does; padding makes it as large as a test needs. */
export const fakeEnvoy = (version: string, padding = 0): string =>
  `#!/bin/sh\necho "envoy  version: dcb3d5ca/${version}/Clean/RELEASE/BoringSSL"\nexit 0\n${'#'.repeat(padding)}`

export const fakePrometheus = (version: string): string =>
  `#!/bin/sh\necho "prometheus, version ${version}+ds (branch: x)"\n`

export async function writeExecutable(path: string, content: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  await chmod(path, 0o755)
  return path
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** The tool as it is looked for, with sources of the test's choice. */
export const envoyFrom = (...sources: readonly ToolSource[]): Tool => ({
  name: 'envoy',
  variable: 'SLUICE_ENVOY',
  cacheKey: 'envoy-test',
  accepts: '>=1.40.0 <2',
  versionPattern: /version: [0-9a-f]+\/(\d+\.\d+\.\d+)/,
  sources,
})

/** A report that keeps everything but the bytes. */
export function keepEvents(): { readonly events: ToolEvent[]; readonly report: (event: ToolEvent) => void } {
  const events: ToolEvent[] = []
  return { events, report: (event) => void (event.kind === 'bytes' || events.push(event)) }
}

export async function tarGz(entries: Readonly<Record<string, string>>): Promise<Buffer> {
  const tar = pack()
  for (const [name, content] of Object.entries(entries)) tar.entry({ name, mode: 0o755 }, content)
  tar.finalize()
  return gzipSync(await buffer(tar))
}

/** A zip archive as the wheels are: deflated entries, a central directory, its end. */
export function zip(entries: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(entries)) {
    const data = deflateRawSync(content)
    const sizes = Buffer.alloc(16)
    sizes.writeUInt32LE(crc32(content), 0)
    sizes.writeUInt32LE(data.length, 4)
    sizes.writeUInt32LE(Buffer.byteLength(content), 8)
    sizes.writeUInt16LE(Buffer.byteLength(name), 12)
    const method = Buffer.from([20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0])
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), method, sizes, Buffer.from(name), data])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    central.push(
      Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), method, sizes, tail, Buffer.from(name)]),
    )
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(central.length, 4)
  end.writeUInt16LE(central.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end])
}
