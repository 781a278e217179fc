import type { KubernetesObject } from '../../src/api/index.ts'

/** Under which the controller writes. */
export const controllerManager = 'sluice'

interface ManagedFields {
  readonly manager?: string
  readonly subresource?: string
  readonly fieldsV1?: object
}

/** Paths of the fields that a manager owns, status apart. */
export function ownedBy({ metadata }: KubernetesObject, manager: string): readonly string[] {
  const entries = (metadata.managedFields ?? []) as readonly ManagedFields[]
  const own = entries.filter((entry) => entry.manager === manager && entry.subresource === undefined)
  return own.flatMap(({ fieldsV1 = {} }) => leavesOf(fieldsV1)).toSorted()
}

/** Leaves of a set of fields; a struct that is owned itself says `.`, which adds nothing. */
function leavesOf(fields: object, path = ''): readonly string[] {
  const below = Object.entries(fields).filter(([key]) => key !== '.')
  if (below.length === 0) return path === '' ? [] : [path.slice(1)]
  return below.flatMap(([key, value]) => leavesOf(value as object, `${path}.${key.replace(/^f:/, '')}`))
}
