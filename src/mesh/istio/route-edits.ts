import type { Answer, Header, HeaderEdits, MessageEdits, Rewrite } from '../model/index.ts'
import type { HttpRouteSpec } from './supported.ts'

type MessageEditsSpec = NonNullable<HttpRouteSpec['headers']>
type HeaderEditsSpec = NonNullable<MessageEditsSpec['request']>

/** What a rule, or one of its destinations, changes in headers. */
export function readHeaders(spec: MessageEditsSpec | undefined): { readonly headers?: MessageEdits } {
  if (spec === undefined) return {}
  const { request, response } = spec
  return {
    headers: {
      ...(request === undefined ? {} : { request: readEdits(request) }),
      ...(response === undefined ? {} : { response: readEdits(response) }),
    },
  }
}

const readEdits = ({ set, add, remove }: HeaderEditsSpec): HeaderEdits => ({
  set: readValues(set),
  add: readValues(add),
  remove: remove.map((name) => name.toLowerCase()),
})

const readValues = (values: Readonly<Record<string, string>>): readonly Header[] =>
  Object.entries(values)
    .map(([name, value]) => ({ name: name.toLowerCase(), value }))
    .sort((left, right) => (left.name < right.name ? -1 : 1))

export function readRewrite(spec: HttpRouteSpec['rewrite']): { readonly rewrite?: Rewrite } {
  if (spec === undefined) return {}
  const { uri, uriRegexRewrite, authority } = spec
  return {
    rewrite: {
      ...(uri === undefined ? {} : { path: { kind: 'matched', value: uri } }),
      ...(uriRegexRewrite === undefined
        ? {}
        : { path: { kind: 'regex', pattern: uriRegexRewrite.match, substitution: uriRegexRewrite.rewrite } }),
      ...(authority === undefined ? {} : { authority }),
    },
  }
}

/** What the proxy answers by itself; undefined for a rule that has destinations. */
export function readAnswer({ redirect, directResponse }: HttpRouteSpec): Answer | undefined {
  if (redirect !== undefined) return readRedirect(redirect)
  if (directResponse === undefined) return undefined
  const { status, body } = directResponse
  return { kind: 'direct', status, ...(body === undefined ? {} : { body: body.string }) }
}

const readRedirect = (redirect: NonNullable<HttpRouteSpec['redirect']>): Answer => {
  const { uri, authority, scheme, port, redirectCode } = redirect
  return {
    kind: 'redirect',
    status: redirectCode,
    ...(scheme === undefined ? {} : { scheme }),
    ...(authority === undefined ? {} : { authority }),
    ...(port === undefined ? {} : { port }),
    ...(uri === undefined ? {} : { path: uri }),
  }
}
