import { failure, type Result, success } from '../base/index.ts'

export interface Repository {
  /** Host and port, such as `registry.example.com:5000`; `docker.io` for short names. */
  readonly registry: string
  /** Path on the registry, such as `team/web`. */
  readonly path: string
}

export interface ImageReference {
  /** As it is written, without tag and digest. */
  readonly text: string
  readonly repository: Repository
  readonly tag: string | undefined
}

const DIGEST = /^[a-z0-9+._-]+:[0-9a-fA-F]+$/
const HOST = /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,253}[a-zA-Z0-9])?(:[0-9]{1,5})?$/
const PATH = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/

/** Reads what a policy names: a repository, without tag or digest. */
export function parseRepository(text: string): Result<Repository> {
  const image = parseImage(text)
  // Not quoted: it may be an address with a password in it.
  if (image === undefined) return failure('spec.image is not a repository such as registry.example.com/team/web')
  if (image.text !== text) return failure(`spec.image: "${text}" must not carry a tag or digest; the policy chooses it`)
  return success(image.repository)
}

/** Reads a container's image; undefined when it is none. */
export function parseImage(text: string): ImageReference | undefined {
  const [tagged = '', digest] = text.split('@', 2)
  if (digest !== undefined && !DIGEST.test(digest)) return undefined
  const colon = tagged.lastIndexOf(':')
  const hasTag = colon > tagged.lastIndexOf('/')
  const name = hasTag ? tagged.slice(0, colon) : tagged
  const repository = parseName(name)
  return repository && { text: name, repository, tag: hasTag ? tagged.slice(colon + 1) : undefined }
}

export const isSameRepository = (left: Repository, right: Repository): boolean =>
  left.registry === right.registry && left.path === right.path

function parseName(name: string): Repository | undefined {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(slash, 0))
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost'
  const registry = isHost ? first : 'docker.io'
  const rest = isHost ? name.slice(slash + 1) : name
  // Docker's short names: `nginx` is docker.io/library/nginx.
  const path = registry === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest
  return name.length <= 512 && HOST.test(registry) && PATH.test(path) ? { registry, path } : undefined
}
