import type { Environment } from '@marcbachmann/cel-js'
import { compiled } from './validate-scalar.ts'

type Ordered = bigint | number | string

const isOrdered = (value: unknown): value is Ordered => ['bigint', 'number', 'string'].includes(typeof value)

const ordered = (list: unknown): readonly Ordered[] => {
  if (!Array.isArray(list) || !list.every(isOrdered)) throw new TypeError('list items can not be ordered')
  return list
}

function extreme(list: unknown, better: (a: Ordered, b: Ordered) => boolean): Ordered {
  const [first, ...rest] = ordered(list)
  if (first === undefined) throw new TypeError('min and max need a list that is not empty')
  return rest.reduce((best, item) => (better(item, best) ? item : best), first)
}

const total = (list: unknown): bigint | number => {
  const items = ordered(list)
  if (items.every((item) => typeof item === 'bigint')) return items.reduce((sum, item) => sum + item, 0n)
  return items.reduce<number>((sum, item) => sum + Number(item), 0)
}

const isSorted = (list: unknown): boolean => {
  const items = ordered(list)
  return items.every((item, index) => {
    const before = items[index - 1]
    return before === undefined || before <= item
  })
}

const findAll = (text: string, pattern: string): string[] => {
  const matcher = compiled(pattern).matcher(text)
  const found: string[] = []
  while (matcher.find()) found.push(matcher.group() ?? '')
  return found
}

/** The functions of Kubernetes' CEL libraries (lists and regex) that cel-js does not bring itself. */
export function addKubernetesFunctions(environment: Environment): Environment {
  const position = (found: number): bigint => BigInt(found)
  return environment
    .registerFunction('list.isSorted(): bool', isSorted)
    .registerFunction('list.sum(): dyn', total)
    .registerFunction('list.min(): dyn', (list: unknown) => extreme(list, (a, b) => a < b))
    .registerFunction('list.max(): dyn', (list: unknown) => extreme(list, (a, b) => a > b))
    .registerFunction('list.indexOf(dyn): int', (list: readonly unknown[], item: unknown) =>
      position(list.indexOf(item)),
    )
    .registerFunction('list.lastIndexOf(dyn): int', (list: readonly unknown[], item: unknown) =>
      position(list.lastIndexOf(item)),
    )
    .registerFunction('string.find(string): string', (text: string, pattern: string) => findAll(text, pattern)[0] ?? '')
    .registerFunction('string.findAll(string): list', findAll)
    .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text))
}
