import { writeFile } from 'node:fs/promises'
import { createMeshRenderer, type EnvoyResource, virtualHostName } from '../../src/mesh/envoy/index.ts'
import { translate } from '../../src/mesh/istio/index.ts'
import { createObjects } from './objects.ts'
import { changingHost } from './world.ts'

/** Of the virtual host that each round changes, as proxies know it. */
export const changingResource = virtualHostName('http_proxy', changingHost)

/** Writes what the server of the reference serves, a line for each proxy; the first is what all proxies share. */
export async function writeReferenceWorld(
  path: string,
  size: { readonly services: number; readonly proxies: number },
): Promise<void> {
  const rendered = [...createMeshRenderer()(translate(createObjects(size)))]
  const shared = new Set(rendered[0]?.[1].filter((group) => rendered.every(([, groups]) => groups.includes(group))))
  const lines = [
    { id: '', resources: encode([...shared].flat()) },
    ...rendered.map(([id, groups]) => ({ id, resources: encode(groups.filter((each) => !shared.has(each)).flat()) })),
  ]
  await writeFile(path, lines.map((line) => JSON.stringify(line)).join('\n'))
}

const encode = (resources: readonly EnvoyResource[]): readonly string[] =>
  resources.map(({ message }) => Buffer.from(message).toString('base64'))
