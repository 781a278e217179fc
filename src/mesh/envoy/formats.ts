/** Where clusters, endpoints and listeners carry what metrics ask them. */
export const metadataNamespace = 'mesh'

interface Command {
  readonly command: string
  readonly param?: string
}

/** A listener's own word where the command has no value. */
export function coalesce(first: Command, listenerKey = 'unknown'): string {
  const operators = [first, { command: 'METADATA', param: `LISTENER:${metadataNamespace}:${listenerKey}` }]
  return `%COALESCE(${JSON.stringify({ operators })})%`
}
