import { failure, type Result, success } from '../../base/index.ts'

type Step = string | number

/** A name, `[3]`, `[-1]` (from the end) or `["any name"]`; a dot before every name but the first. */
const STEP = /\.?(?:([A-Za-z_@$][\w@$-]*)|\[(-?\d{1,6})\]|\["((?:[^"\\]|\\.)*)"\])/y

/** Reads the path of a value in JSON, such as `data.items[-1]["a.b"]`, with or without `$.` or `{...}` around it. */
export function parseJsonPath(text: string): Result<readonly Step[]> {
  const path = text
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^\$\.?/, '')
  const steps: Step[] = []
  STEP.lastIndex = 0
  while (STEP.lastIndex < path.length) {
    const position = STEP.lastIndex
    const match = STEP.exec(path)
    if (match === null || (steps.length > 0 && startsBare(path, position))) {
      return failure(`provider.jsonPath does not parse at "${path.slice(position, position + 20)}"`)
    }
    steps.push(stepOf(match))
  }
  return success(steps)
}

/** A name right behind another would be one word. */
const startsBare = (path: string, position: number): boolean => !/^[.[]/.test(path.slice(position))

function stepOf([, name, index, quoted]: RegExpExecArray): Step {
  if (index !== undefined) return Number(index)
  return name ?? (quoted ?? '').replace(/\\(.)/g, '$1')
}

/** The value at the path; undefined where there is nothing. */
export function valueAt(value: unknown, steps: readonly Step[]): unknown {
  return steps.reduce<unknown>((found, step) => child(found, step), value)
}

function child(value: unknown, step: Step): unknown {
  if (Array.isArray(value)) return typeof step === 'number' ? value.at(step) : undefined
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
  return Object.entries(value).find(([name]) => name === `${step}`)?.[1]
}
