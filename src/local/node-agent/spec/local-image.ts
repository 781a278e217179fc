import { RE2JS } from 're2js'
import type { Container, LocalImage } from '../../../api/index.ts'
import { canonicalJson, failure, type Result, success } from '../../../base/index.ts'
import { sha256Hex } from './digest.ts'

export interface ImageName {
  readonly repository: string
  readonly tag: string
}

/** What an image stands for on this machine. */
export interface Program {
  /** The whole command line of the image; the container's own command and args are not in it. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** `repository@sha256:...` of the LocalImage's spec and the tag. */
  readonly imageID: string
}

/** Splits `registry:5000/team/app:1.2@sha256:...`; the tag is `latest` when there is none. */
export function parseImageName(image: string): ImageName {
  const [name = ''] = image.split('@')
  const colon = name.lastIndexOf(':')
  if (colon <= name.lastIndexOf('/')) return { repository: name, tag: 'latest' }
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) }
}

/** The program of an image; the error is the message for the container's status. */
export function resolveImage(images: readonly LocalImage[], image: string): Result<Program> {
  const name = parseImageName(image)
  const candidates = images.filter(({ spec }) => spec.repository === name.repository)
  for (const candidate of candidates.toSorted(byName)) {
    if (tagMatches(candidate.spec.tagPattern ?? '.*', name.tag)) return success(render(candidate, name))
  }
  return failure(unknownImage(name, candidates))
}

/** The container's command replaces the image's argv, its args follow, as ENTRYPOINT and CMD are replaced. */
export function commandLine(program: Program, container: Container): readonly string[] {
  return [...(container.command ?? program.argv), ...(container.args ?? [])]
}

const byName = (left: LocalImage, right: LocalImage): number => (left.metadata.name < right.metadata.name ? -1 : 1)

function tagMatches(pattern: string, tag: string): boolean {
  try {
    return RE2JS.compile(pattern).matches(tag)
  } catch {
    // Not RE2: the object matches nothing, and the message names its pattern.
    return false
  }
}

function render({ spec }: LocalImage, { repository, tag }: ImageName): Program {
  const fill = (text: string) => text.replace(/\{\{\s*tag\s*\}\}/g, () => tag)
  const env = Object.entries(spec.env ?? {}).map(([key, value]) => [key, fill(value)])
  return {
    argv: spec.argv.map(fill),
    env: Object.fromEntries(env),
    ...(spec.cwd === undefined ? {} : { cwd: fill(spec.cwd) }),
    imageID: `${repository}@sha256:${sha256Hex(canonicalJson({ spec, tag }))}`,
  }
}

function unknownImage({ repository, tag }: ImageName, candidates: readonly LocalImage[]): string {
  if (candidates.length > 0) {
    const patterns = candidates.map(({ metadata, spec }) => `${metadata.name} (tagPattern "${spec.tagPattern}")`)
    return `no LocalImage of repository "${repository}" matches tag "${tag}": there is ${patterns.join(', ')}. Change a tagPattern, or register one for this tag.`
  }
  const name = repository
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  const example = {
    apiVersion: 'local.sluice.dev/v1',
    kind: 'LocalImage',
    metadata: { name },
    spec: { repository, argv: ['/path/to/program', '--version={{ tag }}'] },
  }
  return `no LocalImage says which program "${repository}" is. Register one: echo '${JSON.stringify(example)}' | kubectl apply -f -`
}
