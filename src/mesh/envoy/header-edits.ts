import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Header, MessageEdits } from '../model/index.ts'
import { HeaderValueOption_HeaderAppendAction as AppendAction, type HeaderValueOptionSchema } from './api.ts'

type Option = MessageInitShape<typeof HeaderValueOptionSchema>

/** The fields of a route, or of one of its weighted clusters, that edit headers. */
export const renderHeaders = ({ request, response }: MessageEdits = {}) => ({
  requestHeadersToAdd: options(request?.set ?? [], request?.add ?? []),
  requestHeadersToRemove: [...(request?.remove ?? [])],
  responseHeadersToAdd: options(response?.set ?? [], response?.add ?? []),
  responseHeadersToRemove: [...(response?.remove ?? [])],
})

const options = (set: readonly Header[], add: readonly Header[]): Option[] => [
  ...set.map((header) => option(header, AppendAction.OVERWRITE_IF_EXISTS_OR_ADD)),
  ...add.map((header) => option(header, AppendAction.APPEND_IF_EXISTS_OR_ADD)),
]

const option = ({ name, value }: Header, appendAction: AppendAction): Option => ({
  header: { key: name, value },
  appendAction,
})
