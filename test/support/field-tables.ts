import { z } from 'zod'

/** What an object may have at one place below `spec`: `http[].match[]`. A place that ends with `=` lists values. */
export interface Place {
  readonly carriedOut: readonly string[]
  readonly refused: readonly string[]
}

export type Places = ReadonlyMap<string, Place>

/** The tables of docs/istio-fields.md by kind. */
export const readTables = (page: string): ReadonlyMap<string, Places> =>
  new Map(
    page
      .split('\n## ')
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf('\n')), readTable(section)]),
  )

const readTable = (section: string): Places =>
  new Map(
    section.split('\n').flatMap((line) => {
      const [, place, carriedOut = '', refused = ''] = /^\| `([^`]*)` *\|([^|]*)\|([^|]*)\|/.exec(line) ?? []
      return place === undefined ? [] : [[place, { carriedOut: words(carriedOut), refused: words(refused) }]]
    }),
  )

function words(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word).sort()
}

/** Istio's own definitions, whose places are called otherwise. */
export const readDefinitions = (places: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> =>
  new Map(Object.entries(places).map(([path, names]) => [placeOf(path.replace(/=$/, ' =')), names.split(' ')]))

const placeOf = (path: string): string => (path === '' ? 'spec' : path)
const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

/** What a schema takes. Throws where an object lets anything pass. */
export function readSchema(schema: unknown, path = ''): Places {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodArray) return readSchema(inner.element, `${path}[]`)
  if (inner instanceof z.ZodRecord) return readSchema(inner.valueType, `${path}{}`)
  if (inner instanceof z.ZodEnum)
    return new Map([[`${path} =`, { carriedOut: inner.options.map(String), refused: [] }]])
  return inner instanceof z.ZodObject ? readObject(inner, path) : new Map()
}

function readObject({ shape, def }: z.ZodObject, path: string): Places {
  if (def.catchall?._zod.def.type !== 'never') throw new Error(`${path} takes what nobody reads`)
  const names = Object.keys(shape).sort()
  const isRefused = (name: string) => unwrap(shape[name]) instanceof z.ZodUndefined
  const own = { carriedOut: names.filter((name) => !isRefused(name)), refused: names.filter(isRefused) }
  return new Map([[placeOf(path), own], ...names.flatMap((name) => [...readSchema(shape[name], below(path, name))])])
}

const unwrap = (schema: unknown): unknown =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? unwrap(schema.unwrap()) : schema

/** A spec that has the field at the place, and nothing else. */
export function specWith(place: string, name: string, value: unknown = {}): unknown {
  const steps = place === 'spec' ? [] : place.split('.')
  return steps.reduceRight<unknown>(nest, { [name]: value })
}

function nest(inner: unknown, step: string): unknown {
  const key = step.replace(/(\[\]|\{\})$/, '')
  if (step.endsWith('[]')) return { [key]: [inner] }
  return { [key]: step.endsWith('{}') ? { any: inner } : inner }
}
