import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf'
import { create, toBinary } from '@bufbuild/protobuf'
import { type Any, AnySchema, anyPack, type Duration, DurationSchema } from '@bufbuild/protobuf/wkt'
import type { SocketAddress, UnixSocket } from '../model/index.ts'
import {
  type Address,
  AddressSchema,
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
  type FractionalPercent,
  FractionalPercent_DenominatorType,
  FractionalPercentSchema,
} from './api.ts'

/** A message as an Any, its fields checked by the compiler. */
export const pack = <Schema extends DescMessage>(schema: Schema, fields: MessageInitShape<Schema>): Any =>
  anyPack(schema, create(schema, fields))

/** The same as the bytes of the Any: what is kept of a message that is only sent on. */
export const encode = <Schema extends DescMessage>(schema: Schema, fields: MessageInitShape<Schema>): Uint8Array =>
  toBinary(AnySchema, pack(schema, fields))

/** An extension: its registered name and its typed configuration. */
export const extension = <Schema extends DescMessage>(
  name: string,
  schema: Schema,
  fields: MessageInitShape<Schema>,
): { name: string; configType: { case: 'typedConfig'; value: Any } } => ({
  name,
  configType: { case: 'typedConfig', value: pack(schema, fields) },
})

export const duration = (milliseconds: number): Duration =>
  create(DurationSchema, {
    seconds: BigInt(Math.floor(milliseconds / 1_000)),
    nanos: Math.round((milliseconds % 1_000) * 1_000_000),
  })

/** To four decimals of a percent. */
export const fractionalPercent = (percent: number): FractionalPercent =>
  create(FractionalPercentSchema, {
    numerator: Math.round(percent * 10_000),
    denominator: FractionalPercent_DenominatorType.MILLION,
  })

export const socketAddress = ({ address, port }: SocketAddress): Address =>
  create(AddressSchema, {
    address: {
      case: 'socketAddress',
      value: { address, portSpecifier: { case: 'portValue', value: port } },
    },
  })

export const pipe = ({ path }: UnixSocket): Address =>
  create(AddressSchema, { address: { case: 'pipe', value: { path } } })

/** Over the aggregated stream. No time limit: an answer that is late is better than an empty one in its place. */
export const ads = (): ConfigSource =>
  create(ConfigSourceSchema, {
    resourceApiVersion: ApiVersion.V3,
    initialFetchTimeout: duration(0),
    configSourceSpecifier: { case: 'ads', value: {} },
  })
