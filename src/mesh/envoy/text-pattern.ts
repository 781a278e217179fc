import { create } from '@bufbuild/protobuf'
import { type StringMatcher, StringMatcherSchema } from './api.ts'

export interface TextPattern {
  /** `present`: any text that is not empty. */
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'regex' | 'present'
  readonly value: string
}

export function patternMatcher({ kind, value }: TextPattern, ignoreCase = false): StringMatcher {
  // Envoy refuses an empty start or end.
  const isPresent = kind === 'present' || (value === '' && (kind === 'prefix' || kind === 'suffix'))
  if (kind === 'regex' || kind === 'present' || isPresent) {
    const regex = isPresent ? '.+' : value
    return create(StringMatcherSchema, { matchPattern: { case: 'safeRegex', value: { regex } } })
  }
  return create(StringMatcherSchema, { ignoreCase, matchPattern: { case: kind, value } })
}
