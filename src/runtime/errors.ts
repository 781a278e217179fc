/** The message of anything that was thrown, with its causes, never a stack. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `: ${messageOf(error.cause)}`
  const own = error.message || error.name
  return own.includes(cause.slice(2)) ? own : `${own}${cause}`
}
