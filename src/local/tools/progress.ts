import type { Report, ToolEvent, ToolName } from './tool.ts'

/** Where progress is shown: standard error, or a stand-in for tests. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const BAR_WIDTH = 24
const MEGABYTE = 1_000_000

/** Shows provisioning to a person: a bar that moves on a terminal, a plain line per change elsewhere. */
export function createProgressReport(output: ProgressOutput): Report {
  const moving = new Map<ToolName, string>()
  let shown = ''
  const redraw = () => {
    const next = [...moving.values()].join('  ')
    if (next === shown) return
    output.write(`\r\x1b[K${next}`)
    shown = next
  }
  return (event) => {
    if (event.kind === 'bytes') {
      if (output.isTTY !== true) return
      moving.set(event.tool, renderBar(event))
      redraw()
      return
    }
    moving.delete(event.tool)
    const line = renderEvent(event)
    output.write(shown === '' ? `${line}\n` : `\r\x1b[K${line}\n`)
    shown = ''
    redraw()
  }
}

function renderBar({ tool, received, total }: Extract<ToolEvent, { kind: 'bytes' }>): string {
  const megabytes = (received / MEGABYTE).toFixed(1)
  if (total === undefined || total === 0) return `${tool} ${megabytes} MB`
  const filled = Math.min(BAR_WIDTH, Math.round((received / total) * BAR_WIDTH))
  const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}`
  return `${tool} [${bar}] ${megabytes}/${(total / MEGABYTE).toFixed(1)} MB`
}

/** The line of an event; bytes have none. */
export function renderEvent(event: Exclude<ToolEvent, { kind: 'bytes' }>): string {
  switch (event.kind) {
    case 'found':
      return `${event.tool}: ${event.location.version} at ${event.location.path} (${event.where})`
    case 'waiting':
      return `${event.tool}: another start is fetching it, waiting`
    case 'corrupted':
      return `${event.tool}: ${event.path} is not what was installed, fetching it again`
    case 'fetching':
      return `${event.tool}: fetching, ${event.source}`
    case 'failed':
      return `${event.tool}: ${event.source} failed: ${event.cause}`
    case 'installed':
      return `${event.tool}: ${event.location.version} installed at ${event.location.path}`
  }
}
