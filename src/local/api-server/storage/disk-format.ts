import { crc32 } from 'node:zlib'
import { isObject, type JsonObject, numberAt, stringAt } from '../json.ts'

export interface Entry {
  readonly resource: string
  readonly key: string
  readonly revision: number
  /** Undefined: deleted. */
  readonly object: JsonObject | undefined
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0')

/** One change as one line, with its checksum first: a torn line is told from a whole one. */
export function renderEntry(entry: Entry): string {
  const body = JSON.stringify({ r: entry.resource, k: entry.key, v: entry.revision, o: entry.object ?? null })
  return `${checksum(body)} ${body}\n`
}

export function parseEntry(line: string): Entry | undefined {
  const body = line.slice(9)
  if (line[8] !== ' ' || checksum(body) !== line.slice(0, 8)) return undefined
  const value: unknown = JSON.parse(body)
  if (!isObject(value)) return undefined
  const object = value.o
  return {
    resource: stringAt(value, 'r') ?? '',
    key: stringAt(value, 'k') ?? '',
    revision: numberAt(value, 'v') ?? 0,
    object: isObject(object) ? object : undefined,
  }
}

/** A snapshot ends with a line that counts its entries: without it the file is torn. */
export function renderSnapshot(revision: number, entries: Iterable<Entry>): string {
  const lines = [...entries].map(renderEntry)
  return `${lines.join('')}${renderEntry({ resource: 'end', key: String(lines.length), revision, object: undefined })}`
}

export function parseSnapshot(
  text: string,
): { readonly revision: number; readonly entries: readonly Entry[] } | undefined {
  const parsed = text.split('\n').slice(0, -1).map(parseEntry)
  const entries = parsed.filter((entry) => entry !== undefined)
  const end = entries.pop()
  if (entries.length + 1 !== parsed.length || end?.resource !== 'end' || end.key !== String(entries.length))
    return undefined
  return { revision: end.revision, entries }
}

/** The whole entries at the beginning of a journal, and whether something unreadable follows. */
export function parseJournal(text: string): { readonly entries: readonly Entry[]; readonly torn: boolean } {
  const lines = text.split('\n')
  const rest = lines.pop() ?? ''
  const entries: Entry[] = []
  for (const line of lines) {
    const entry = parseEntry(line)
    if (entry === undefined) return { entries, torn: true }
    entries.push(entry)
  }
  return { entries, torn: rest !== '' }
}
