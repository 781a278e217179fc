import type { KubernetesObject } from '../../api/index.ts'
import { type ClusterObjects, configurationLists, translate } from '../istio/index.ts'
import type { Finding, Mesh, ObjectKey } from '../model/index.ts'

export const keyText = ({ kind, namespace, name }: ObjectKey): string => `${kind}/${namespace}/${name}`

export const keyOf = (object: KubernetesObject): ObjectKey => ({
  kind: object.kind,
  namespace: object.metadata.namespace ?? 'default',
  name: object.metadata.name,
})

/** Translates, and lets an object that became invalid keep working as it last was. */
export function createTranslator(): (objects: ClusterObjects) => Mesh {
  const lastGood = new Map<string, KubernetesObject>()

  return (objects) => {
    const mesh = translate(objects)
    const invalid = mesh.findings.filter((finding) => finding.reason === 'Invalid')
    const invalidKeys = new Set(invalid.map((finding) => keyText(finding.object)))
    remember(lastGood, objects, invalidKeys)
    if (![...invalidKeys].some((key) => lastGood.has(key))) return mesh
    const again = translate({ ...objects, ...withLastGood(objects, invalidKeys, lastGood) })
    return { ...again, findings: [...invalid.filter(isMissingIn(again.findings)), ...again.findings] }
  }
}

const isMissingIn = (findings: readonly Finding[]) => (finding: Finding) =>
  !findings.some((other) => keyText(other.object) === keyText(finding.object) && other.reason === finding.reason)

function remember(
  lastGood: Map<string, KubernetesObject>,
  objects: ClusterObjects,
  invalid: ReadonlySet<string>,
): void {
  const all = configurationLists.flatMap((list): readonly KubernetesObject[] => objects[list])
  const present = new Map(all.map((object) => [keyText(keyOf(object)), object]))
  for (const key of lastGood.keys()) if (!present.has(key)) lastGood.delete(key)
  for (const [key, object] of present) if (!invalid.has(key)) lastGood.set(key, object)
}

function withLastGood(
  objects: ClusterObjects,
  invalid: ReadonlySet<string>,
  lastGood: ReadonlyMap<string, KubernetesObject>,
): Partial<ClusterObjects> {
  const replace = (object: KubernetesObject): KubernetesObject => {
    const key = keyText(keyOf(object))
    const good = invalid.has(key) ? lastGood.get(key) : undefined
    return good !== undefined && 'spec' in good ? { ...object, ...{ spec: good.spec } } : object
  }
  return Object.fromEntries(
    configurationLists.map((list) => [list, objects[list].map((object: KubernetesObject) => replace(object))]),
  )
}
