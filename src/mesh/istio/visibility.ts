/** Istio's namespace of objects that count for the whole mesh. */
export const rootNamespace = 'istio-system'

/** Where an object lies and whom it is for; an empty list is everybody. */
export interface Exported {
  readonly namespace: string
  readonly exportTo: readonly string[]
}

export const isExportedTo = ({ namespace, exportTo }: Exported, client: string): boolean =>
  exportTo.length === 0 ||
  exportTo.some((target) => target === '*' || target === client || (target === '.' && namespace === client))

/** False when no namespace sees both. */
export function haveCommonClients(left: Exported, right: Exported): boolean {
  const isForAll = ({ exportTo }: Exported) => exportTo.length === 0 || exportTo.includes('*')
  if (isForAll(left) || isForAll(right)) return true
  return left.exportTo.some((target) => isExportedTo(right, target === '.' ? left.namespace : target))
}
