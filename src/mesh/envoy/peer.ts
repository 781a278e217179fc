import { create, toBinary } from '@bufbuild/protobuf'
import { base64Encode } from '@bufbuild/protobuf/wire'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import type { WorkloadIdentity } from '../model/index.ts'
import {
  HeaderMutationSchema,
  HeaderToMetadataSchema,
  HeaderValueEncode,
  HeaderValueOption_HeaderAppendAction,
  HeaderValueType,
} from './api.ts'
import { extension } from './messages.ts'

/** Tells the other side who asks; taken off before the application sees it. */
const header = 'x-mesh-peer'
const metadataNamespace = 'mesh'
const metadataKey = 'peer'

/** What metrics say of who asks. */
const fields = ['workload', 'namespace', 'app', 'version', 'canonicalService', 'canonicalRevision'] as const
export type PeerField = (typeof fields)[number]

/** Where a field of who asked is found in a request's dynamic metadata. */
export const peerMetadata = (field: PeerField): string => `${metadataNamespace}:${metadataKey}:${field}`

/** Tells servers' proxies who asks, whatever the client says of that. */
export const introduceFilter = (workload: WorkloadIdentity) =>
  extension('envoy.filters.http.header_mutation', HeaderMutationSchema, {
    mutations: {
      requestMutations: [
        {
          action: {
            case: 'append',
            value: {
              header: { key: header, value: peerHeaderValue(workload) },
              appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
            },
          },
        },
      ],
    },
  })

/** As Envoy reads it without a regular expression for each field, which would cost more than all other filters together. */
function peerHeaderValue(workload: WorkloadIdentity): string {
  const text = (value: string) => create(ValueSchema, { kind: { case: 'stringValue', value } })
  const struct = { fields: Object.fromEntries(fields.map((field) => [field, text(workload[field])])) }
  const value = create(ValueSchema, { kind: { case: 'structValue', value: struct } })
  return base64Encode(toBinary(ValueSchema, value))
}

/** Reads the header and takes it off; text of another form gives no values. */
export const peerFilter = () =>
  extension('envoy.filters.http.header_to_metadata', HeaderToMetadataSchema, {
    requestRules: [
      {
        header,
        onHeaderPresent: {
          metadataNamespace,
          key: metadataKey,
          type: HeaderValueType.PROTOBUF_VALUE,
          encode: HeaderValueEncode.BASE64,
        },
        remove: true,
      },
    ],
  })

/** Takes the header off unread. */
export const forgetPeerFilter = () =>
  extension('envoy.filters.http.header_mutation', HeaderMutationSchema, {
    mutations: { requestMutations: [{ action: { case: 'remove', value: header } }] },
  })
