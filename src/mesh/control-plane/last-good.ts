import type { KubernetesObject } from '../../api/index.ts'
import { isRecord, remember } from '../../base/index.ts'
import { type ClusterObjects, configurationLists, createTranslation, keyOf } from '../istio/index.ts'
import { type Finding, keyText, type Mesh, type TelemetryDefaults } from '../model/index.ts'

/** Translates, and lets an object that became invalid keep working as it last was. */
export function createTranslator(defaults?: TelemetryDefaults): (objects: ClusterObjects) => Mesh {
  const lastGood = new Map<string, KubernetesObject>()
  const [translate, translateRepaired] = [createTranslation(defaults), createTranslation(defaults)]
  const repair = createRepair()

  return (objects) => {
    const mesh = translate(objects)
    const invalid = mesh.findings.filter((finding) => finding.reason === 'Invalid')
    const invalidKeys = new Set(invalid.map((finding) => keyText(finding.object)))
    rememberGood(lastGood, objects, invalidKeys)
    if (![...invalidKeys].some((key) => lastGood.has(key))) return mesh
    const again = translateRepaired({ ...objects, ...withLastGood(objects, { invalidKeys, lastGood, repair }) })
    return { ...again, findings: [...invalid.filter(isMissingIn(again.findings)), ...again.findings] }
  }
}

const isMissingIn = (findings: readonly Finding[]) => (finding: Finding) =>
  !findings.some((other) => keyText(other.object) === keyText(finding.object) && other.reason === finding.reason)

function rememberGood(
  lastGood: Map<string, KubernetesObject>,
  objects: ClusterObjects,
  invalid: ReadonlySet<string>,
): void {
  const all = configurationLists.flatMap((list): readonly KubernetesObject[] => objects[list])
  const present = new Map(all.map((object) => [keyText(keyOf(object)), object]))
  for (const key of lastGood.keys()) if (!present.has(key)) lastGood.delete(key)
  for (const [key, object] of present) if (!invalid.has(key)) lastGood.set(key, object)
}

type Repair = (object: KubernetesObject, good: unknown) => KubernetesObject

/** The very same object each time, so that it is not translated again. */
function createRepair(): Repair {
  const repaired = remember((object: KubernetesObject) =>
    remember(({ spec }: { readonly spec: object }) => ({ ...object, ...{ spec } })),
  )
  return (object, good) => (hasSpec(good) ? repaired(object)(good) : object)
}

const hasSpec = (object: unknown): object is { readonly spec: object } =>
  isRecord(object) && typeof object.spec === 'object'

interface LastGood {
  readonly invalidKeys: ReadonlySet<string>
  readonly lastGood: ReadonlyMap<string, KubernetesObject>
  readonly repair: Repair
}

function withLastGood(objects: ClusterObjects, { invalidKeys, lastGood, repair }: LastGood): Partial<ClusterObjects> {
  const replace = (object: KubernetesObject): KubernetesObject => {
    const key = keyText(keyOf(object))
    return invalidKeys.has(key) ? repair(object, lastGood.get(key)) : object
  }
  return Object.fromEntries(
    configurationLists.map((list) => [list, objects[list].map((object: KubernetesObject) => replace(object))]),
  )
}
