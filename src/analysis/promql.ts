/** A label value between double quotes. */
export function quote(value: string): string {
  return `"${escapeText(value, '"')}"`
}

/** Text as it stands between such quotes in PromQL. */
export function escapeText(value: string, mark: '"' | "'"): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll(mark, `\\${mark}`)
}

/** A length of time as PromQL writes it; it has no fractions, so milliseconds where seconds do not do. */
export function renderRange(milliseconds: number): string {
  const whole = Math.max(1, Math.floor(milliseconds))
  return whole % 1_000 === 0 ? `${whole / 1_000}s` : `${whole}ms`
}
