import type { Canary, HttpRoute } from '../api/index.ts'
import { renderText } from './request-match.ts'

type Policies = Pick<HttpRoute, 'rewrite' | 'headers' | 'corsPolicy' | 'timeout' | 'retries'>

/** What every route of the Canary does with its requests, wherever they go. */
export function renderPolicies({ spec }: Canary): Policies {
  const { rewrite, headers, corsPolicy, timeout, retries } = spec.service
  return {
    ...(rewrite === undefined ? {} : { rewrite }),
    ...(headers === undefined ? {} : { headers }),
    ...(corsPolicy === undefined ? {} : { corsPolicy: renderCors(corsPolicy) }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(retries === undefined ? {} : { retries: renderRetries(retries) }),
  }
}

type Service = Canary['spec']['service']

function renderCors({
  allowOrigins,
  ...policy
}: NonNullable<Service['corsPolicy']>): NonNullable<Policies['corsPolicy']> {
  return allowOrigins === undefined ? policy : { ...policy, allowOrigins: allowOrigins.map(renderText) }
}

function renderRetries({
  attempts,
  perTryTimeout,
  retryOn,
}: NonNullable<Service['retries']>): NonNullable<HttpRoute['retries']> {
  return {
    attempts,
    ...(perTryTimeout === undefined ? {} : { perTryTimeout }),
    ...(retryOn === undefined ? {} : { retryOn }),
  }
}
