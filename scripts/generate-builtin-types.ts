/**
 * Writes the field types of the builtin Kubernetes kinds that the local API server serves, read from the models of
 * @kubernetes/client-node. Run it after an update of that package: node scripts/generate-builtin-types.ts
 */
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { builtinKinds } from '../src/local/api-server/kinds/builtin-kinds.ts'

interface Attribute {
  readonly baseName: string
  readonly type: string
  readonly format: string
}

const target = join(import.meta.dirname, '../src/local/api-server/generated/builtin-types.ts')
const models = join(dirname(createRequire(import.meta.url).resolve('@kubernetes/client-node')), 'gen/models')
const isModel = (name: string): boolean => /^(V\d|[A-Z][a-z]+V\d|CoreV1|EventsV1|DiscoveryV1|RbacV1)/.test(name)
const found = new Map<string, Record<string, string>>()

function fieldType(attribute: Attribute): string {
  const list = /^Array<(.*)>$/.exec(attribute.type)
  if (list?.[1]) return `[]${fieldType({ ...attribute, type: list[1] })}`
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(attribute.type)
  if (map?.[1]) return `{}${fieldType({ ...attribute, type: map[1] })}`
  if (attribute.type === 'V1MicroTime') return 'microtime'
  if (attribute.type === 'Date') return 'time'
  if (attribute.type === 'IntOrString') return 'intOrString'
  if (attribute.type === 'number') return attribute.format
  if (attribute.type === 'string' && attribute.format === 'byte') return 'bytes'
  return attribute.type
}

async function visit(model: string): Promise<void> {
  if (found.has(model) || model === 'V1MicroTime') return
  const fields: Record<string, string> = {}
  found.set(model, fields)
  const module = await import(join(models, `${model}.js`))
  const declaration = await readFile(join(models, `${model}.d.ts`), 'utf8')
  const attributes: readonly Attribute[] = module[model].attributeTypeMap
  for (const attribute of attributes) {
    const required = declaration.includes(`    '${attribute.baseName}': `)
    fields[attribute.baseName] = `${fieldType(attribute)}${required ? '!' : ''}`
    for (const word of attribute.type.match(/\w+/g) ?? []) if (isModel(word)) await visit(word)
  }
}

for (const kind of builtinKinds) await visit(kind.model)
await visit('V1Scale')
const sorted = Object.fromEntries([...found].sort(([a], [b]) => a.localeCompare(b)))
await writeFile(
  target,
  `// Written by scripts/generate-builtin-types.ts: fields of the builtin kinds and their types; "!" = required.
export const builtinTypes: Readonly<Record<string, Readonly<Record<string, string>>>> = ${JSON.stringify(sorted, null, 1)}
`,
)
console.log(`${found.size} types`)
