import { isMap, isScalar, LineCounter, type Pair, parseAllDocuments, YAMLMap } from 'yaml'
import { isRecord } from '../../base/index.ts'

/** An object of a file, and where each of its fields stands. */
export interface SourcedObject {
  readonly file: string
  readonly object: unknown
  /** Of the nearest field that is there. */
  lineOf(path: readonly (string | number)[]): number
}

export interface SyntaxProblem {
  readonly file: string
  readonly line: number
  readonly code: 'InvalidYaml' | 'MergedDocuments'
  readonly message: string
}

export interface ReadFile {
  readonly objects: readonly SourcedObject[]
  readonly problems: readonly SyntaxProblem[]
}

/**
 * Reads every object of a YAML or JSON text. Objects that were written into one document, without a line `---` between
 * them, are told apart where a field comes a second time.
 */
export function readObjects(file: string, text: string): ReadFile {
  const lineCounter = new LineCounter()
  const lineAt = (offset: number): number => lineCounter.linePos(offset).line
  const objects: SourcedObject[] = []
  const problems: SyntaxProblem[] = []
  for (const document of parseAllDocuments(text, { lineCounter, uniqueKeys: false })) {
    for (const { message, pos } of document.errors) {
      problems.push({ file, line: lineAt(pos[0]), code: 'InvalidYaml', message: firstLineOf(message) })
    }
    if (document.errors.length > 0 || !isMap(document.contents)) continue
    for (const [index, part] of split(document.contents.items).entries()) {
      const map = new YAMLMap(document.schema)
      map.items = [...part]
      objects.push(
        ...itemsOf(map.toJS(document)).map(({ object, place }) => {
          return { file, object, lineOf: (path: Path) => lineAt(offsetOf(map, [...place, ...path])) }
        }),
      )
      if (index === 0) continue
      const line = lineAt(startOf(part[0]))
      const message = 'another object begins here: put a line `---` before it, and give it an apiVersion of its own'
      problems.push({ file, line, code: 'MergedDocuments', message })
    }
  }
  return { objects, problems }
}

/** The place is known otherwise. */
const firstLineOf = (message: string): string =>
  message.split('\n')[0]?.replace(/ at line \d+, column \d+:$/, '') ?? message

/** Of a list as `kubectl get` prints it; anything else is itself. */
function itemsOf(object: unknown): readonly { readonly object: unknown; readonly place: Path }[] {
  if (!isRecord(object) || !String(object.kind).endsWith('List') || !Array.isArray(object.items))
    return [{ object, place: [] }]
  return object.items.map((item: unknown, index) => ({ object: item, place: ['items', index] }))
}

type Path = readonly (string | number)[]

type Item = Pair<unknown, unknown>

function split(items: readonly Item[]): readonly (readonly Item[])[] {
  const parts: Item[][] = [[]]
  for (const item of items) {
    const isSecond = parts.at(-1)?.some(({ key }) => textOf(key) === textOf(item.key)) === true
    if (isSecond) parts.push([])
    parts.at(-1)?.push(item)
  }
  return parts
}

const textOf = (key: unknown): string => String(isScalar(key) ? key.value : key)

function offsetOf(map: YAMLMap, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? map : map.getIn(path.slice(0, length - 1), true)
    const name = path[length - 1]
    const pair = isMap(parent) ? parent.items.find(({ key }) => textOf(key) === name) : undefined
    if (pair !== undefined) return startOf(pair)
    const node = map.getIn(path.slice(0, length), true)
    if (hasRange(node)) return node.range[0]
  }
  return startOf(map.items[0])
}

const startOf = (item: Item | undefined): number => (hasRange(item?.key) ? item.key.range[0] : 0)

const hasRange = (node: unknown): node is { readonly range: readonly [number, number, number] } =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
