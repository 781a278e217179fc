import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { keepLast } from '../../base/index.ts'
import { typeUrls } from '../envoy/index.ts'
import type { Response } from './next.ts'
import type { DeltaResponse } from './next-delta.ts'
import type { SnapshotResource } from './resources.ts'

/** Field numbers of envoy.service.discovery.v3. */
const WORLD = { versionInfo: 1, resources: 2, typeUrl: 4, nonce: 5 } as const
const DELTA = { resources: 2, typeUrl: 4, nonce: 5, removedResources: 6 } as const
const RESOURCE = { version: 1, resource: 2, name: 3 } as const

/** A DiscoveryResponse. */
export function encodeResponse({ type, version, nonce, resources }: Response): Buffer {
  const rest = new BinaryWriter()
  rest.tag(WORLD.versionInfo, WireType.LengthDelimited).string(version)
  rest.tag(WORLD.typeUrl, WireType.LengthDelimited).string(typeUrls[type])
  rest.tag(WORLD.nonce, WireType.LengthDelimited).string(nonce)
  return Buffer.concat([worldBytes(resources), rest.finish()])
}

/** A DeltaDiscoveryResponse. */
export function encodeDeltaResponse({ type, nonce, resources, removed }: DeltaResponse): Buffer {
  const rest = new BinaryWriter()
  rest.tag(DELTA.typeUrl, WireType.LengthDelimited).string(typeUrls[type])
  rest.tag(DELTA.nonce, WireType.LengthDelimited).string(nonce)
  for (const name of removed) rest.tag(DELTA.removedResources, WireType.LengthDelimited).string(name)
  return Buffer.concat([deltaBytes(resources), rest.finish()])
}

/** Resources as they stand in a response; encoded once for streams in a row that are sent the same ones. */
function encodeOnce(
  write: (writer: BinaryWriter, resource: SnapshotResource) => unknown,
): (resources: readonly SnapshotResource[]) => Uint8Array {
  const keep = keepLast<Uint8Array>()
  return (resources) =>
    keep(resources, () => {
      const writer = new BinaryWriter()
      for (const resource of resources) write(writer, resource)
      return writer.finish()
    })
}

const worldBytes = encodeOnce((writer, { bytes }) => writer.tag(WORLD.resources, WireType.LengthDelimited).bytes(bytes))

const deltaBytes = encodeOnce((writer, { name, version, bytes }) =>
  writer
    .tag(DELTA.resources, WireType.LengthDelimited)
    .fork()
    .tag(RESOURCE.version, WireType.LengthDelimited)
    .string(version)
    .tag(RESOURCE.resource, WireType.LengthDelimited)
    .bytes(bytes)
    .tag(RESOURCE.name, WireType.LengthDelimited)
    .string(name)
    .join(),
)
