import { failure, type Result, success } from '../base/index.ts'
import type { Subject } from './port.ts'
import { escapeText } from './promql.ts'

export interface TemplateValues {
  readonly subject: Subject
  /** Length of the window in PromQL's words. */
  readonly interval: string
  readonly variables: Readonly<Record<string, string>>
}

export const PLACEHOLDER = /\{\{([^{}]*)\}\}/g
/** A name, a number or a length of time: nothing that could end the expression it stands in. */
const BARE_WORD = /^[A-Za-z0-9_:.]+$/

/** Names that a query may use beside its variables. */
const NAMES = ['name', 'namespace', 'target', 'service'] as const

/** What stands open where a placeholder is: a quote, a comment (`#`), or nothing; and whether it is a regular expression. */
interface Open {
  readonly mark: string
  readonly isPattern: boolean
}

const NOTHING: Open = { mark: '', isPattern: false }

/**
 * Fills a query in. Only the documented names exist; there are no conditions, functions or loops.
 * A value between quotes is escaped for them, a value outside must be a plain word or number, so that whoever
 * writes a Canary cannot change the query that whoever wrote the template vouches for.
 * A name of the Canary stands for itself in a regular expression too: `web.v1` does not match `web-v1`.
 */
export function renderQuery(query: string, values: TemplateValues): Result<string> {
  let open = NOTHING
  let rendered = ''
  let position = 0
  for (const match of query.matchAll(PLACEHOLDER)) {
    const literal = query.slice(position, match.index)
    open = openAfter(literal, open)
    const name = (match[1] ?? '').trim()
    const value = lookUp(name, values)
    if (!value.ok) return value
    const inserted = insert(name, value.value, open)
    if (!inserted.ok) return inserted
    rendered += literal + inserted.value
    position = match.index + match[0].length
  }
  return success(rendered + query.slice(position))
}

/** The names of the Canary that a query uses. */
export function namesIn(query: string): readonly string[] {
  const used = [...query.matchAll(PLACEHOLDER)].map(([, name = '']) => name.trim())
  return NAMES.filter((name) => used.includes(name))
}

/** The value of a placeholder. */
export function lookUp(name: string, { subject, interval, variables }: TemplateValues): Result<string> {
  const known: Readonly<Record<string, string>> = {
    name: subject.canary,
    namespace: subject.namespace,
    target: subject.target,
    service: subject.service,
    interval,
  }
  const value = Object.hasOwn(known, name) ? known[name] : undefined
  if (value !== undefined) return success(value)
  const variable = /^variables\.([A-Za-z0-9_-]+)$/.exec(name)?.[1]
  if (variable === undefined) {
    return failure(`{{ ${name} }} is not known in a query: use ${Object.keys(known).join(', ')} or variables.NAME`)
  }
  if (Object.hasOwn(variables, variable)) return success(variables[variable] ?? '')
  return failure(`the query needs the variable ${variable}: set it in templateVariables of the metric`)
}

function insert(name: string, value: string, { mark, isPattern }: Open): Result<string> {
  const meant = isPattern && NAMES.some((known) => known === name) ? escapePattern(value) : value
  if (mark === '"' || mark === "'") return success(escapeText(meant, mark))
  if (mark === '`') {
    return meant.includes('`')
      ? failure(`the value of ${name} has a backtick, which its quotes cannot hold`)
      : success(meant)
  }
  return BARE_WORD.test(value)
    ? success(value)
    : failure(`the value of ${name} stands outside quotes, so it must be a word or a number`)
}

const escapePattern = (value: string): string => value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** What a piece of PromQL leaves open. */
function openAfter(text: string, openBefore: Open): Open {
  let open = openBefore
  let escaped = false
  for (const [index, character] of text.split('').entries()) {
    if (escaped) escaped = false
    else if (character === '\\' && (open.mark === '"' || open.mark === "'")) escaped = true
    else open = step(open, character, text.slice(0, index))
  }
  return open
}

function step(open: Open, character: string, before: string): Open {
  if (open.mark === '') {
    const opens = ['"', "'", '`', '#'].includes(character)
    return opens ? { mark: character, isPattern: /[=!]~\s*$/.test(before) } : NOTHING
  }
  return character === (open.mark === '#' ? '\n' : open.mark) ? NOTHING : open
}
