import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { remember } from '../../base/index.ts'
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
  const rest = new BinaryWriter()
  rest.tag(WORLD.versionInfo, WireType.LengthDelimited).string(version)
  rest.tag(WORLD.typeUrl, WireType.LengthDelimited).string(typeUrls[type])
  rest.tag(WORLD.nonce, WireType.LengthDelimited).string(nonce)
  return Buffer.concat([...resources.map(worldField), rest.finish()])
}

/** A DeltaDiscoveryResponse, the same way. */
export function encodeDeltaResponse({ type, nonce, resources, removed }: DeltaResponse): Buffer {
  const rest = new BinaryWriter()
  rest.tag(DELTA.typeUrl, WireType.LengthDelimited).string(typeUrls[type])
  rest.tag(DELTA.nonce, WireType.LengthDelimited).string(nonce)
  for (const name of removed) rest.tag(DELTA.removedResources, WireType.LengthDelimited).string(name)
  return Buffer.concat([...resources.map(deltaField), rest.finish()])
}

const worldField = remember(({ bytes }: SnapshotResource) =>
  new BinaryWriter().tag(WORLD.resources, WireType.LengthDelimited).bytes(bytes).finish(),
)

/** The resource with its name and version, as it stands in a response; encoded once, however many streams are sent it. */
const deltaField = remember(({ name, version, bytes }: SnapshotResource) => {
  const resource = new BinaryWriter()
    .tag(RESOURCE.version, WireType.LengthDelimited)
    .string(version)
    .tag(RESOURCE.resource, WireType.LengthDelimited)
    .bytes(bytes)
    .tag(RESOURCE.name, WireType.LengthDelimited)
    .string(name)
    .finish()
  return new BinaryWriter().tag(DELTA.resources, WireType.LengthDelimited).bytes(resource).finish()
})
