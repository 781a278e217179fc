import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { MatcherSchema, StatTagValueInputSchema, TransformStatSchema } from './api.ts'
import { pack } from './messages.ts'

/** Istio names the protocol of a request by its content type, of which this is the beginning. */
const grpc = 'application/grpc'

/** Whatever the content type is, one of two words stands in its place. CEL would cost more than all other labels together. */
const rules = create(MatcherSchema, {
  matcherType: {
    case: 'matcherTree',
    value: {
      input: { name: 'value', typedConfig: pack(StatTagValueInputSchema, {}) },
      treeType: { case: 'prefixMatchMap', value: { map: { [grpc]: becomes('grpc') } } },
    },
  },
  onNoMatch: becomes('http'),
})

/** The label as the logger of metrics takes it. */
export const requestProtocol = { name: 'request_protocol', valueFormat: '%REQ(CONTENT-TYPE)%', rules }

type OnMatch = MessageInitShape<typeof MatcherSchema>['onNoMatch']

function becomes(newTagValue: string): NonNullable<OnMatch> {
  const typedConfig = pack(TransformStatSchema, { updateTag: { newTagValue } })
  return { onMatch: { case: 'action', value: { name: newTagValue, typedConfig } } }
}
