import { fieldsOf } from '../fields.ts'
import type { HttpMatchSpec, StringMatchSpec } from '../supported.ts'

/** Whether each request that `later` takes is taken by `earlier`. False where that is not certain. */
export function covers(earlier: HttpMatchSpec, later: HttpMatchSpec): boolean {
  if (!coversPath(earlier, later)) return false
  const isCovered = ([field, wanted]: readonly [string, unknown]): boolean => {
    if (wanted === undefined || ignored.has(field)) return true
    const asked = Object.entries(later).find(([name]) => name === field)?.[1]
    if (asked === undefined) return false
    return coversField(field, wanted, asked)
  }
  return Object.entries(earlier).every(isCovered)
}

/** Of the route's name, and what is compared elsewhere. */
const ignored: ReadonlySet<string> = new Set(['name', 'uri', 'ignoreUriCase'])

function coversField(field: string, wanted: unknown, asked: unknown): boolean {
  if (field === 'headers' || field === 'queryParams') return coversEach(wanted, asked, coversText)
  if (field === 'withoutHeaders' || field === 'sourceLabels') return coversEach(wanted, asked, isSame)
  if (Array.isArray(wanted)) return Array.isArray(asked) && asked.every((each) => wanted.includes(each))
  return typeof wanted === 'object' ? coversText(wanted ?? {}, asked ?? {}) : wanted === asked
}

const coversEach = (wanted: unknown, asked: unknown, isCovered: (left: object, right: object) => boolean): boolean => {
  const known = new Map(entriesOf(asked).map(([name, value]) => [name.toLowerCase(), value]))
  return entriesOf(wanted).every(([name, value]) => {
    const other = known.get(name.toLowerCase())
    return other !== undefined && isCovered(boxed(value), boxed(other))
  })
}

const boxed = (value: unknown): object => (typeof value === 'object' && value !== null ? value : { exact: value })
const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] => Object.entries(fieldsOf(value))

const isSame = (left: object, right: object): boolean => coversText(left, right) && coversText(right, left)

function coversPath(earlier: HttpMatchSpec, later: HttpMatchSpec): boolean {
  if (earlier.uri === undefined || earlier.uri.prefix === '/' || earlier.uri.regex === '.*') return true
  if (later.uri === undefined) return false
  const ignoresCase = earlier.ignoreUriCase === true
  if (later.ignoreUriCase === true && !ignoresCase) return false
  return ignoresCase ? coversText(lowered(earlier.uri), lowered(later.uri)) : coversText(earlier.uri, later.uri)
}

const lowered = ({ exact, prefix, regex }: StringMatchSpec): StringMatchSpec => ({
  ...(exact === undefined ? {} : { exact: exact.toLowerCase() }),
  ...(prefix === undefined ? {} : { prefix: prefix.toLowerCase() }),
  ...(regex === undefined ? {} : { regex }),
})

/** `{}` is presence. */
function coversText(earlier: StringMatchSpec, later: StringMatchSpec): boolean {
  if (earlier.regex !== undefined) return earlier.regex === later.regex
  if (earlier.exact !== undefined) return earlier.exact === later.exact
  if (earlier.prefix === undefined) return true
  return (later.exact ?? later.prefix)?.startsWith(earlier.prefix) === true
}
