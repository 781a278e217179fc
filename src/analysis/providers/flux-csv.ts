import { parseCsv } from './csv.ts'

export interface FluxRow {
  /** Number of the schema: rows of another have other columns. */
  readonly schema: number
  readonly types: Readonly<Record<string, string>>
  readonly cells: Readonly<Record<string, string>>
}

type Row = readonly string[]

/**
 * Reads annotated CSV: each schema begins with a line `#datatype`, then the names; an empty line ends it.
 * An error is a schema with a column of that name. Undefined where the text is something else.
 */
export function parseFlux(text: string): readonly FluxRow[] | undefined {
  const rows: FluxRow[] = []
  for (const [schema, block] of splitAtEmptyLines(parseCsv(text)).entries()) {
    const [first = [], second = []] = block
    const isAnnotated = first[0] === '#datatype'
    if (!isAnnotated && !first.includes('error')) return undefined
    const names = isAnnotated ? second : first
    const types = isAnnotated ? recordOf(names, first) : {}
    const cells = block.slice(isAnnotated ? 2 : 1)
    rows.push(...cells.map((row) => ({ schema, types, cells: recordOf(names, row) })))
  }
  return rows
}

function splitAtEmptyLines(rows: readonly Row[]): readonly (readonly Row[])[] {
  const blocks: Row[][] = [[]]
  for (const row of rows) {
    if (row.length === 1 && row[0] === '') blocks.push([])
    else blocks.at(-1)?.push(row)
  }
  return blocks.filter((block) => block.length > 0)
}

const recordOf = (names: Row, values: Row): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
