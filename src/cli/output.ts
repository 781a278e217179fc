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
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === heads.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('   ')
      .trimEnd()
  return [line(heads), ...rows.map(line)].join('\n')
}
