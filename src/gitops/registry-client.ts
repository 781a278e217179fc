import { z } from 'zod'
import type { RegistryCredentials } from './docker-config.ts'
import type { Repository } from './image-reference.ts'
import { authenticate } from './registry-authentication.ts'
import { RegistryError } from './registry-error.ts'
import { get, type RegistryResponse } from './registry-http.ts'

export interface TagsQuestion {
  readonly repository: Repository
  readonly credentials: RegistryCredentials | undefined
  /** Speak plain HTTP. */
  readonly insecure: boolean
}

/** All tags of a repository, or RegistryError. */
export type ListTags = (question: TagsQuestion, signal: AbortSignal) => Promise<readonly string[]>

const PAGE = 1_000
const MAX_PAGES = 100

const tagsSchema = z.object({ tags: z.array(z.string()).nullish() })

/** Asks a registry by the distribution protocol (OCI, version 2), page by page. */
export const listTags: ListTags = async (question, signal) => {
  const tags = new Set<string>()
  let url: URL | undefined = firstPage(question)
  let authorization: string | undefined
  for (let page = 0; url !== undefined; page += 1) {
    if (page === MAX_PAGES) throw failed(url, `has more than ${MAX_PAGES * PAGE} tags in ${question.repository.path}`)
    let response: RegistryResponse = await get(url, authorization, signal)
    if (response.status === 401) {
      const challenge = response.header('www-authenticate') ?? ''
      authorization = await authenticate({ ...question, url, challenge }, signal)
      response = await get(url, authorization, signal)
    }
    refuseFailure(url, question, response)
    const known = tags.size
    const found = parseTags(url, response)
    for (const tag of found) tags.add(tag)
    url = linkedPage(url, response) ?? (tags.size > known ? pageAfter(url, found) : undefined)
  }
  return [...tags]
}

function firstPage({ repository, insecure }: TagsQuestion): URL {
  const host = repository.registry === 'docker.io' ? 'registry-1.docker.io' : repository.registry
  return new URL(`${insecure ? 'http' : 'https'}://${host}/v2/${repository.path}/tags/list?n=${PAGE}`)
}

function refuseFailure(url: URL, { repository, credentials }: TagsQuestion, response: RegistryResponse): void {
  const { status } = response
  if (status === 200) return
  if (status === 401 || status === 403) {
    const next = credentials === undefined ? 'name a Secret in spec.secretRef' : 'check the Secret in spec.secretRef'
    throw new RegistryError('AuthenticationFailed', `registry ${url.host} denied reading ${repository.path}; ${next}`)
  }
  if (status === 404) {
    const message = `registry ${url.host} has no repository ${repository.path}; check spec.image, or push a first tag`
    throw new RegistryError('RepositoryNotFound', message)
  }
  if (status === 429) {
    const message = `registry ${url.host} asks for fewer requests; trying again later`
    throw new RegistryError('RegistryThrottled', message, retryAfterMs(response))
  }
  if (status >= 300 && status < 400) {
    throw failed(url, 'answered with a redirect, which is not followed; name the final registry in spec.image')
  }
  throw new RegistryError(
    'RegistryFailed',
    `registry ${url.host} answered HTTP ${status}; trying again`,
    retryAfterMs(response),
  )
}

/** Seconds; a date is rare and means: use your own back-off. */
function retryAfterMs(response: RegistryResponse): number | undefined {
  const seconds = Number(response.header('retry-after'))
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 86_400) * 1_000 : undefined
}

function parseTags(url: URL, response: RegistryResponse): readonly string[] {
  try {
    return tagsSchema.parse(JSON.parse(response.body)).tags ?? []
  } catch {
    throw failed(url, 'did not answer with a list of tags; is it a container registry?')
  }
}

/** The Link header of the protocol; a link to another origin would take our credentials there. */
function linkedPage(url: URL, response: RegistryResponse): URL | undefined {
  const target = /<([^>]{1,4000})>\s*;\s*rel="?next"?/i.exec(response.header('link') ?? '')?.[1]
  if (target === undefined) return undefined
  const next = URL.canParse(target, url.href) ? new URL(target, url.href) : undefined
  if (next?.origin !== url.origin) throw failed(url, 'links its next page to another place, which is not followed')
  return next
}

/** Some registries cut the list at the page size and send no link; others have ended. The one who asks finds out. */
function pageAfter(url: URL, found: readonly string[]): URL | undefined {
  const last = found.at(-1)
  if (last === undefined || found.length < PAGE) return undefined
  const next = new URL(url)
  next.searchParams.set('last', last)
  return next
}

const failed = (url: URL, what: string): RegistryError =>
  new RegistryError('RegistryFailed', `registry ${url.host} ${what}`)
