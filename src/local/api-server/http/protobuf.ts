import type { Json, JsonObject } from '../json.ts'
import { badRequest, unsupportedMediaType } from '../status-error.ts'
import { type FieldType, messages } from './protobuf-messages.ts'

const MAGIC = Buffer.from('k8s\0')

interface WireField {
  readonly number: number
  readonly value: bigint | Buffer
}

/** An object as client-go sends it in protobuf: a magic word, then a wrapper with its kind and its bytes. */
export function parseProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(MAGIC)) throw badRequest('the body is no Kubernetes protobuf')
  const wrapper = readFields(body.subarray(4))
  const type = readFields(bytesOf(wrapper, 1))
  const apiVersion = bytesOf(type, 1).toString('utf8')
  const kind = bytesOf(type, 2).toString('utf8')
  if (messages[kind] === undefined) throw unsupportedMediaType(['application/json', 'application/yaml'])
  return { apiVersion, kind, ...readMessage(kind, bytesOf(wrapper, 2)) }
}

const bytesOf = (fields: readonly WireField[], number: number): Buffer => {
  const found = fields.find((field) => field.number === number)?.value
  return Buffer.isBuffer(found) ? found : Buffer.alloc(0)
}

function readFields(buffer: Buffer): readonly WireField[] {
  const fields: WireField[] = []
  for (let offset = 0; offset < buffer.length; ) {
    const tag = readVarint(buffer, offset)
    const number = Number(tag.value) >> 3
    const form = Number(tag.value) & 7
    const next = readVarint(buffer, tag.end)
    if (form === 0) {
      fields.push({ number, value: next.value })
      offset = next.end
    } else if (form === 2) {
      offset = next.end + Number(next.value)
      if (offset > buffer.length || next.value < 0n) throw badRequest('the protobuf body is cut off')
      fields.push({ number, value: buffer.subarray(next.end, offset) })
    } else {
      throw badRequest('the protobuf body has a field of an unknown form')
    }
  }
  return fields
}

function readVarint(buffer: Buffer, start: number): { readonly value: bigint; readonly end: number } {
  let value = 0n
  for (let index = 0; index < 10; index += 1) {
    const byte = buffer[start + index]
    if (byte === undefined) throw badRequest('the protobuf body is cut off')
    value |= BigInt(byte & 0x7f) << BigInt(7 * index)
    if (byte < 0x80) return { value: BigInt.asIntN(64, value), end: start + index + 1 }
  }
  throw badRequest('the protobuf body has a number that is too long')
}

function readMessage(name: string, buffer: Buffer): JsonObject {
  const message = messages[name] ?? {}
  const out: { [key: string]: Json } = {}
  for (const { number, value } of readFields(buffer)) {
    const field = message[number]
    if (field === undefined) {
      if (isZero(value)) continue
      throw badRequest(
        `field ${number} of ${name} is not understood in protobuf: send the object as JSON, by kubectl apply`,
      )
    }
    const [key, type] = field
    const read = readField(type, value, out[key])
    if (read !== undefined) out[key] = read
  }
  return out
}

const isZero = (value: bigint | Buffer): boolean => (Buffer.isBuffer(value) ? value.length === 0 : value === 0n)

function readField(type: FieldType, value: bigint | Buffer, before: Json | undefined): Json | undefined {
  if (typeof type === 'string') return readScalar(type, value)
  const buffer = Buffer.isBuffer(value) ? value : Buffer.alloc(0)
  if ('message' in type) return readMessage(type.message, buffer)
  if ('list' in type) {
    const item = readField(type.list, value, undefined)
    return [...(Array.isArray(before) ? before : []), ...(item === undefined ? [''] : [item])]
  }
  const entry = readFields(buffer)
  const raw = entry.find((field) => field.number === 2)?.value ?? Buffer.alloc(0)
  const known = typeof before === 'object' && before !== null && !Array.isArray(before) ? before : {}
  return { ...known, [bytesOf(entry, 1).toString('utf8')]: readField(type.map, raw, undefined) ?? '' }
}

type Scalar = Extract<FieldType, string>

const readText = (value: Buffer): Json | undefined => (value.length === 0 ? undefined : value.toString('utf8'))

/** Times are the server's own affair at creation: whatever the client sent does not count. */
const readers: Readonly<Record<Exclude<Scalar, 'int' | 'exactInt' | 'bool'>, (value: Buffer) => Json | undefined>> = {
  string: readText,
  bytes: (value) => value.toString('base64'),
  time: () => undefined,
  intOrString: readIntOrString,
  quantity: (value) => bytesOf(readFields(value), 1).toString('utf8'),
}

/** Go writes zero values too; they count as absent, as `omitempty` has it in JSON. */
function readScalar(type: Scalar, value: bigint | Buffer): Json | undefined {
  if (type === 'int' || type === 'exactInt' || type === 'bool') return readNumber(type, value)
  return Buffer.isBuffer(value) ? readers[type](value) : undefined
}

function readNumber(type: 'int' | 'exactInt' | 'bool', value: bigint | Buffer): Json | undefined {
  if (Buffer.isBuffer(value) || (value === 0n && type !== 'exactInt')) return undefined
  return type === 'bool' ? true : Number(value)
}

function readIntOrString(buffer: Buffer): Json | undefined {
  const fields = readFields(buffer)
  const text = bytesOf(fields, 3).toString('utf8')
  if (fields.some((field) => field.number === 1 && field.value === 1n)) return text
  const number = fields.find((field) => field.number === 2)?.value
  return typeof number === 'bigint' && number !== 0n ? Number(number) : undefined
}
