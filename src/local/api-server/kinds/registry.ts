import type { JsonObject } from '../json.ts'
import type { Store } from '../storage/store.ts'
import { resourcesOfDefinition } from './custom-resources.ts'
import type { ApiResource } from './resource.ts'

export const definitionsStorage = 'apiextensions.k8s.io/customresourcedefinitions'

/** Every resource that is served now: the builtin ones and those of established definitions. */
export interface Registry {
  find(group: string, version: string, plural: string): ApiResource | undefined
  findKind(group: string, kind: string): ApiResource | undefined
  /** Any served version of what is stored under `group/plural`. */
  ofStorage(storage: string): ApiResource | undefined
  /** The same list until a definition changes. */
  all(): readonly ApiResource[]
}

export function createRegistry(store: Store, builtin: readonly ApiResource[]): Registry {
  const custom = new Map<string, readonly ApiResource[]>()
  let all: readonly ApiResource[] = builtin
  let byPath = new Map<string, ApiResource>()
  const rebuild = (): void => {
    all = [...builtin, ...[...custom.values()].flat()]
    byPath = new Map(all.map((one) => [pathOf(one.group, one.version, one.plural), one]))
  }
  const serve = (key: string, definition: JsonObject | undefined): void => {
    if (definition === undefined) custom.delete(key)
    else custom.set(key, resourcesOfDefinition(definition))
    rebuild()
  }
  for (const one of store.all()) {
    if (one.resource === definitionsStorage) custom.set(one.key, resourcesOfDefinition(one.object))
  }
  rebuild()
  store.subscribe((change) => {
    if (change.resource !== definitionsStorage) return
    serve(change.key, change.type === 'DELETED' ? undefined : change.object)
  })
  return {
    find: (group, version, plural) => byPath.get(pathOf(group, version, plural)),
    findKind: (group, kind) => all.find((one) => one.group === group && one.kind === kind),
    ofStorage: (storage) => all.find((one) => one.storage === storage),
    all: () => all,
  }
}

const pathOf = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`
