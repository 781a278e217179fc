import { isArray, isObject, type Json } from './json.ts'

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'filter'; readonly path: readonly Step[]; readonly value: Json }
  | { readonly kind: 'descend'; readonly name: string }

/** The JSONPath that printer columns and scale paths use: fields, indexes, [*], filters on equality, `..name`. */
export type JsonPath = readonly Step[]

/** Undefined when the text is outside that grammar. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const steps: Step[] = []
  let rest = text
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^\$/, '')
  if (rest !== '' && !/^[.[]/.test(rest)) rest = `.${rest}`
  while (rest !== '' && rest !== '.') {
    const step = readStep(rest)
    if (step === undefined) return undefined
    steps.push(step.step)
    rest = rest.slice(step.length)
  }
  return steps
}

interface Read {
  readonly step: Step
  readonly length: number
}

const patterns: readonly { readonly shape: RegExp; readonly make: (parts: RegExpExecArray) => Step | undefined }[] = [
  { shape: /^\.\.([A-Za-z0-9_-]+)/, make: (parts) => ({ kind: 'descend', name: parts[1] ?? '' }) },
  { shape: /^\.?\[\*\]|^\.\*/, make: () => ({ kind: 'all' }) },
  { shape: /^\.?\[(-?\d+)\]/, make: (parts) => ({ kind: 'index', index: Number(parts[1]) }) },
  { shape: /^\.?\[['"]([^'"]*)['"]\]/, make: (parts) => ({ kind: 'field', name: parts[1] ?? '' }) },
  { shape: /^\.?\[\?\(\s*@(\.[^=\s]+)\s*==\s*([^)]*?)\s*\)\]/, make: readFilter },
  {
    shape: /^\.((?:[^.[\]\\]|\\.)+)/,
    make: (parts) => ({ kind: 'field', name: (parts[1] ?? '').replaceAll(/\\(.)/g, '$1') }),
  },
]

function readStep(text: string): Read | undefined {
  for (const { shape, make } of patterns) {
    const parts = shape.exec(text)
    const step = parts === null ? undefined : make(parts)
    if (parts !== null && step !== undefined) return { step, length: parts[0].length }
  }
  return undefined
}

function readFilter(parts: RegExpExecArray): Step | undefined {
  const path = parseJsonPath(parts[1] ?? '')
  const literal = parts[2] ?? ''
  const quoted = /^['"](.*)['"]$/.exec(literal)?.[1]
  if (path === undefined) return undefined
  if (quoted !== undefined) return { kind: 'filter', path, value: quoted }
  if (literal === 'true' || literal === 'false') return { kind: 'filter', path, value: literal === 'true' }
  return Number.isNaN(Number(literal)) ? undefined : { kind: 'filter', path, value: Number(literal) }
}

/** All values at the path. */
export function evaluateJsonPath(path: JsonPath, value: Json): readonly Json[] {
  return path.reduce<readonly Json[]>((values, step) => values.flatMap((one) => takeStep(step, one)), [value])
}

function takeStep(step: Step, value: Json): readonly Json[] {
  switch (step.kind) {
    case 'field': {
      const child = isObject(value) && Object.hasOwn(value, step.name) ? value[step.name] : undefined
      return child === undefined ? [] : [child]
    }
    case 'all':
      return membersOf(value)
    case 'index': {
      const item = isArray(value) ? value.at(step.index) : undefined
      return item === undefined ? [] : [item]
    }
    case 'filter':
      return membersOf(value).filter((item) => evaluateJsonPath(step.path, item)[0] === step.value)
    case 'descend':
      return descend(value, step.name)
  }
}

const membersOf = (value: Json): readonly Json[] => {
  if (isArray(value)) return value
  return isObject(value) ? Object.values(value) : []
}

function descend(value: Json, name: string): readonly Json[] {
  const here = takeStep({ kind: 'field', name }, value)
  return [...here, ...membersOf(value).flatMap((child) => descend(child, name))]
}

/** A path of plain fields, as scale paths are: `.spec.replicas`. */
export const fieldsOfPath = (text: string): readonly string[] =>
  (parseJsonPath(text) ?? []).flatMap((step) => (step.kind === 'field' ? [step.name] : []))
