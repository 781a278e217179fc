/**
 * base: small pure words that every room may use. It knows no domain, no clock and no I/O;
 * a helper that needs any of these belongs in `runtime` or in the room that owns the word.
 */
export { type BackoffRule, backoffMs } from './backoff.ts'
export { DURATION_PATTERN, parseDuration, renderDuration } from './duration.ts'
export { isEqual, isSameJson, isSameList, isSameRecord } from './equal.ts'
export { canonicalJson, hashValue } from './hash.ts'
export { parseJson } from './json.ts'
export { type Keep, keepLast, keepList } from './keep.ts'
export { isRecord } from './record.ts'
export { findOrMake, remember } from './remember.ts'
export { failure, type Result, success } from './result.ts'
