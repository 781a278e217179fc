import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { typeUrls } from '../envoy/index.ts'
import type { Response } from './next.ts'

/** Field numbers of envoy.service.discovery.v3.DiscoveryResponse. */
const FIELD = { versionInfo: 1, resources: 2, typeUrl: 4, nonce: 5 } as const

/** Puts the response together from resources that were encoded before. */
export function encodeResponse({ type, version, nonce, resources }: Response): Buffer {
  const writer = new BinaryWriter()
  writer.tag(FIELD.versionInfo, WireType.LengthDelimited).string(version)
  for (const { bytes } of resources) writer.tag(FIELD.resources, WireType.LengthDelimited).bytes(bytes)
  writer.tag(FIELD.typeUrl, WireType.LengthDelimited).string(typeUrls[type])
  writer.tag(FIELD.nonce, WireType.LengthDelimited).string(nonce)
  const { buffer, byteOffset, byteLength } = writer.finish()
  return Buffer.from(buffer, byteOffset, byteLength)
}
