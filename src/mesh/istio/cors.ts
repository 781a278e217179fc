import { parseDuration } from '../../base/index.ts'
import type { Cors } from '../model/index.ts'
import { textMatch } from './route-match.ts'
import type { HttpRouteSpec } from './supported.ts'

export function readCors(spec: HttpRouteSpec['corsPolicy']): { readonly cors?: Cors } {
  if (spec === undefined) return {}
  const { maxAge, allowOrigins, unmatchedPreflights, ...lists } = spec
  const maxAgeMs = maxAge === undefined ? undefined : parseDuration(maxAge)
  return {
    cors: {
      ...lists,
      allowOrigins: allowOrigins.map(textMatch),
      ...(maxAgeMs?.ok ? { maxAgeMs: maxAgeMs.value } : {}),
      ...(unmatchedPreflights === 'IGNORE' ? { keepsUnmatchedPreflights: true } : {}),
    },
  }
}
