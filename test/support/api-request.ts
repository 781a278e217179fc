import { Agent, fetch } from 'undici'

export interface ApiConnection {
  readonly server: string
  readonly token: string
  readonly certificateAuthority: string
}

export interface RequestOptions {
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
  /** User to act as, with that user's rights. */
  readonly as?: string
}

export interface Answer {
  readonly status: number
  /** Texts of Warning headers. */
  readonly warnings: readonly string[]
  // biome-ignore lint/suspicious/noExplicitAny: an object of whatever kind was asked for
  readonly body: any
}

/** Speaks bare JSON to an API server, so that a test sees what is on the wire. */
export type ApiRequest = (method: string, path: string, options?: RequestOptions) => Promise<Answer>

export function createApiRequest({ server, token, certificateAuthority }: ApiConnection): ApiRequest {
  const dispatcher = new Agent({ connect: { ca: certificateAuthority }, keepAliveTimeout: 1_000 })
  return async (method, path, { body, contentType = 'application/json', accept = 'application/json', as } = {}) => {
    const response = await fetch(`${server}${path}`, {
      method,
      dispatcher,
      headers: {
        authorization: `Bearer ${token}`,
        accept,
        ...(body === undefined ? {} : { 'content-type': contentType }),
        ...(as === undefined ? {} : { 'impersonate-user': as }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const warnings = [...(response.headers.get('warning') ?? '').matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)]
    return { status: response.status, warnings: warnings.map(([, warning]) => String(warning)), body: parsed(text) }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
