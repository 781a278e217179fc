import { create } from '@bufbuild/protobuf'
import type { TextMatch } from '../model/index.ts'
import { type StringMatcher, StringMatcherSchema } from './api.ts'

export function stringMatcher(match: Exclude<TextMatch, { kind: 'present' }>): StringMatcher {
  if (match.kind === 'regex') {
    return create(StringMatcherSchema, { matchPattern: { case: 'safeRegex', value: { regex: match.value } } })
  }
  return create(StringMatcherSchema, { matchPattern: { case: match.kind, value: match.value } })
}
