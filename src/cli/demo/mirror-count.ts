import { z } from 'zod'
import { appAddressAnnotation, virtualServiceKind } from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import { namespace, podsWith, readJson } from './world.ts'

export interface MirrorCount {
  /** Pages that the new version got a copy of. */
  readonly mirrored: number
  /** Pages that users sent between the first and the last of them. */
  readonly of: number
}

const receivedSchema = z.object({ sequenced: z.number(), first: z.number(), last: z.number() })

/**
 * Counts mirrored pages to the last one: the client numbers its pages, so that between the first and the last number
 * that the new version received, every number is a page that the primary answered. Undefined while nothing is mirrored.
 */
export async function countMirrored(client: KubeClient, version: string): Promise<MirrorCount | undefined> {
  if (!(await isMirroring(client))) return undefined
  const received = await readReceived(client, version)
  // Weighted traffic would be counted as mirrored: what was read counts only while the route still mirrors.
  if (received === undefined || received.first === 0 || !(await isMirroring(client))) return undefined
  return { mirrored: received.sequenced, of: received.last - received.first + 1 }
}

async function isMirroring(client: KubeClient): Promise<boolean> {
  const route = await client.get(virtualServiceKind, { namespace, name: 'web' })
  return (route?.spec.http ?? []).some((http) => http.mirror !== undefined)
}

/** Asked at the program's own address, past the sidecar, so that the question is not in the metrics. */
async function readReceived(client: KubeClient, version: string): Promise<z.output<typeof receivedSchema> | undefined> {
  const pods = await podsWith(client, 'app=web')
  const pod = pods.find((each) => each.spec.containers[0]?.image.endsWith(`:${version}`))
  const address = pod?.metadata.annotations?.[appAddressAnnotation]
  if (address === undefined) return undefined
  return receivedSchema.safeParse(await readJson(`http://${address}:8080/received`)).data
}
