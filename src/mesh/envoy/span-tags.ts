import { create } from '@bufbuild/protobuf'
import type { SpanTag } from '../model/index.ts'
import { type CustomTag, CustomTagSchema } from './api.ts'

export const renderSpanTag = (tag: SpanTag): CustomTag => create(CustomTagSchema, { tag: tag.name, type: typeOf(tag) })

function typeOf(tag: SpanTag) {
  if (tag.kind === 'literal') return { case: 'literal' as const, value: { value: tag.value } }
  const value = { name: tag.of, defaultValue: tag.otherwise ?? '' }
  return tag.kind === 'header' ? { case: 'requestHeader' as const, value } : { case: 'environment' as const, value }
}
