import type { Canary, HttpMatchRequest, SessionAffinity } from '../api/index.ts'
import { parseDuration } from '../base/index.ts'

type Version = 'primary' | 'canary'

const nameOf = ({ cookieName, primaryCookieName }: SessionAffinity, version: Version): string | undefined =>
  version === 'canary' ? cookieName : primaryCookieName

/** Whoever holds the cookie of this very revision; undefined where the version has none. */
export function matchCookie({ spec }: Canary, version: Version, session: string): HttpMatchRequest | undefined {
  const { sessionAffinity } = spec.analysis
  const name = sessionAffinity && nameOf(sessionAffinity, version)
  return name === undefined ? undefined : { headers: { cookie: { regex: `(.*;\\s*)?${name}=${session}(;.*)?` } } }
}

/** The header that gives the cookie to whoever is answered by the version. */
export function setCookie({ spec }: Canary, version: Version, session: string): string | undefined {
  const { sessionAffinity, interval } = spec.analysis
  const name = sessionAffinity && nameOf(sessionAffinity, version)
  if (sessionAffinity === undefined || name === undefined) return undefined
  const { maxAge, domain, path, httpOnly, secure, partitioned, sameSite } = sessionAffinity
  const age = version === 'canary' ? maxAge : secondsOf(interval)
  return [
    `${name}=${session}`,
    `Max-Age=${age}`,
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    ...(path === undefined ? [] : [`Path=${path}`]),
    ...(sameSite === undefined ? [] : [`SameSite=${sameSite}`]),
    ...(httpOnly ? ['HttpOnly'] : []),
    ...(secure ? ['Secure'] : []),
    ...(partitioned ? ['Partitioned'] : []),
  ].join('; ')
}

function secondsOf(interval: string): number {
  const duration = parseDuration(interval)
  return duration.ok ? Math.max(1, Math.round(duration.value / 1_000)) : 60
}
