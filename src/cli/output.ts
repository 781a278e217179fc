/** Where commands write: data to `out`, progress and errors to `err`. */
export interface Output {
  out(line: string): void
  err(line: string): void
  /** True when `out` is a terminal that takes colour and cursor movement. */
  readonly interactive: boolean
}

export const processOutput: Output = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  interactive: process.stdout.isTTY === true && process.env.CI === undefined && process.env.TERM !== 'dumb',
}

/** Columns as kubectl prints them: upper-case heads, three spaces between. */
export function renderTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const renderRow = createRowRenderer(heads, rows)
  return [heads, ...rows].map(renderRow).join('\n')
}

/** Renders rows as wide as the widest that is known; a later row that is wider moves only its own end. */
export function createRowRenderer(
  heads: readonly string[],
  known: readonly (readonly string[])[],
): (cells: readonly string[]) => string {
  const widths = heads.map((head, column) => Math.max(head.length, ...known.map((row) => (row[column] ?? '').length)))
  return (cells) =>
    cells
      .map((cell, column) => (column === heads.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('   ')
      .trimEnd()
}
