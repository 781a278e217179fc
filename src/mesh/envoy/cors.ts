import type { Any } from '@bufbuild/protobuf/wkt'
import type { Cors } from '../model/index.ts'
import { CorsPolicySchema, CorsSchema } from './api.ts'
import { extension, pack } from './messages.ts'
import { stringMatcher } from './string-matcher.ts'

export const corsFilterName = 'envoy.filters.http.cors'

/** Does nothing by itself: routes say what it allows for them. */
export const corsFilter = () => extension(corsFilterName, CorsSchema, {})

export const renderCors = (cors: Cors): Any =>
  pack(CorsPolicySchema, {
    allowOriginStringMatch: cors.allowOrigins.flatMap((match) =>
      match.kind === 'present' ? [] : [stringMatcher(match)],
    ),
    allowMethods: cors.allowMethods.join(','),
    allowHeaders: cors.allowHeaders.join(','),
    exposeHeaders: cors.exposeHeaders.join(','),
    ...(cors.maxAgeMs === undefined ? {} : { maxAge: `${Math.floor(cors.maxAgeMs / 1_000)}` }),
    allowCredentials: cors.allowCredentials,
    ...(cors.keepsUnmatchedPreflights === true ? { forwardNotMatchingPreflights: false } : {}),
  })
