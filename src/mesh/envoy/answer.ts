import { create } from '@bufbuild/protobuf'
import type { Answer } from '../model/index.ts'
import { DirectResponseActionSchema, type EnvoyRoute, RedirectActionSchema, RedirectResponseCode } from './api.ts'

const redirectCodes = {
  301: RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectResponseCode.FOUND,
  303: RedirectResponseCode.SEE_OTHER,
  307: RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectResponseCode.PERMANENT_REDIRECT,
} as const

/** The action of a route that the proxy answers by itself. */
export function renderAnswer(answer: Answer): EnvoyRoute['action'] {
  if (answer.kind === 'redirect') return { case: 'redirect', value: renderRedirect(answer) }
  const { status, body } = answer
  const value = create(DirectResponseActionSchema, {
    status,
    ...(body === undefined ? {} : { body: { specifier: { case: 'inlineString', value: body } } }),
  })
  return { case: 'directResponse', value }
}

const renderRedirect = ({ status, scheme, authority, port, path }: Extract<Answer, { kind: 'redirect' }>) =>
  create(RedirectActionSchema, {
    responseCode: redirectCodes[status],
    ...(scheme === undefined ? {} : { schemeRewriteSpecifier: { case: 'schemeRedirect', value: scheme } }),
    ...(authority === undefined ? {} : { hostRedirect: authority }),
    ...(port === undefined ? {} : { portRedirect: port }),
    ...(path === undefined ? {} : { pathRewriteSpecifier: { case: 'pathRedirect', value: path } }),
  })
