import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { typeUrls } from '../envoy/index.ts'
import type { Response } from './next.ts'
import type { DeltaResponse } from './next-delta.ts'
import type { SnapshotResource } from './resources.ts'

/** Field numbers of envoy.service.discovery.v3. */
const WORLD = { versionInfo: 1, resources: 2, typeUrl: 4, nonce: 5 } as const
const DELTA = { resources: 2, typeUrl: 4, nonce: 5, removedResources: 6 } as const
const RESOURCE = { version: 1, resource: 2, name: 3 } as const

/** A DiscoveryResponse, put together from resources that were encoded before. */
export function encodeResponse({ type, version, nonce, resources }: Response): Buffer {
  const writer = new BinaryWriter()
  writer.tag(WORLD.versionInfo, WireType.LengthDelimited).string(version)
  for (const { bytes } of resources) writer.tag(WORLD.resources, WireType.LengthDelimited).bytes(bytes)
  writer.tag(WORLD.typeUrl, WireType.LengthDelimited).string(typeUrls[type])
  writer.tag(WORLD.nonce, WireType.LengthDelimited).string(nonce)
  return finish(writer)
}

/** A DeltaDiscoveryResponse, the same way. */
export function encodeDeltaResponse({ type, nonce, resources, removed }: DeltaResponse): Buffer {
  const writer = new BinaryWriter()
  for (const resource of resources) writer.tag(DELTA.resources, WireType.LengthDelimited).bytes(versioned(resource))
  writer.tag(DELTA.typeUrl, WireType.LengthDelimited).string(typeUrls[type])
  writer.tag(DELTA.nonce, WireType.LengthDelimited).string(nonce)
  for (const name of removed) writer.tag(DELTA.removedResources, WireType.LengthDelimited).string(name)
  return finish(writer)
}

const known = new WeakMap<SnapshotResource, Uint8Array>()

/** The resource with its name and version; encoded once, however many streams are sent it. */
function versioned(resource: SnapshotResource): Uint8Array {
  const encoded = known.get(resource) ?? encodeVersioned(resource)
  known.set(resource, encoded)
  return encoded
}

const encodeVersioned = ({ name, version, bytes }: SnapshotResource): Uint8Array =>
  new BinaryWriter()
    .tag(RESOURCE.version, WireType.LengthDelimited)
    .string(version)
    .tag(RESOURCE.resource, WireType.LengthDelimited)
    .bytes(bytes)
    .tag(RESOURCE.name, WireType.LengthDelimited)
    .string(name)
    .finish()

function finish(writer: BinaryWriter): Buffer {
  const { buffer, byteOffset, byteLength } = writer.finish()
  return Buffer.from(buffer, byteOffset, byteLength)
}
