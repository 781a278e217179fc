const LONGEST = 600

/**
 * Envoy's words without the copy of the whole configuration, which it prints differently each time: what is told
 * twice must read the same.
 */
export function rejectionText(message: string): string {
  const problem = message.includes('goo.gle/debug') ? message.slice(message.lastIndexOf('\n: ') + 1) : message
  const line = problem.replace(/^: /, '').replace(/\s+/g, ' ').trim()
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line
}
