/** The parts of a resource's URL. */
export interface ResourcePath {
  readonly group: string
  readonly version: string
  readonly namespace: string | undefined
  readonly plural: string
  readonly name: string | undefined
  readonly subresource: string
}

const namespaceSubresources = new Set(['status', 'finalize'])

/** Undefined for a path that is no resource: discovery, health, unknown. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = segments(path)
  if (parts === undefined) return undefined
  const [root, ...rest] = parts
  if (root === 'api') return fromParts('', rest[0], rest.slice(1))
  return root === 'apis' ? fromParts(rest[0], rest[1], rest.slice(2)) : undefined
}

function segments(path: string): readonly string[] | undefined {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
}

function fromParts(
  group: string | undefined,
  version: string | undefined,
  parts: readonly string[],
): ResourcePath | undefined {
  const [first, second, third] = parts
  if (group === undefined || version === undefined || first === undefined) return undefined
  const isInNamespace =
    first === 'namespaces' && second !== undefined && third !== undefined && !namespaceSubresources.has(third)
  if (!isInNamespace)
    return { group, version, namespace: undefined, plural: first, name: second, subresource: parts.slice(2).join('/') }
  return { group, version, namespace: second, plural: third, name: parts[3], subresource: parts.slice(4).join('/') }
}
