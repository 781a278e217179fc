import { failure, type Result, success } from '../base/index.ts'
import { lookUp, PLACEHOLDER, type TemplateValues } from './template.ts'
import type { Window } from './window.ts'

/** Words that end no string, begin no comment and call nothing in any of the query languages: names and numbers. */
const PLAIN_WORD = /^[A-Za-z0-9_:.]+(-[A-Za-z0-9_:.]+)*$/

/**
 * Fills in a query that is not PromQL. Every server has its own quoting, so a value must be plain wherever it stands.
 * Beside the names of PromQL there are `windowStart` and `windowEnd`, in milliseconds since 1970.
 */
export function renderPlainQuery(query: string, values: TemplateValues, window: Window): Result<string> {
  const times: Readonly<Record<string, string>> = {
    windowStart: `${Math.floor(window.startMs)}`,
    windowEnd: `${Math.ceil(window.endMs)}`,
  }
  let rendered = ''
  let position = 0
  for (const match of query.matchAll(PLACEHOLDER)) {
    const name = (match[1] ?? '').trim()
    const time = Object.hasOwn(times, name) ? times[name] : undefined
    const value = time === undefined ? lookUp(name, values) : success(time)
    if (!value.ok) return value
    if (!PLAIN_WORD.test(value.value)) {
      return failure(`the value of ${name} must be a name or a number: outside PromQL nothing is escaped`)
    }
    rendered += query.slice(position, match.index) + value.value
    position = match.index + match[0].length
  }
  return success(rendered + query.slice(position))
}
