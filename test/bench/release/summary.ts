import type { Floor } from './floor.ts'
import type { Measurement } from './measure.ts'

/** The value below which so many percent of the others lie. */
export function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]
}

interface Row {
  readonly title: string
  readonly of: (measurement: Measurement) => number | undefined
}

const rows: readonly Row[] = [
  { title: 'image changed -> first route, p50 (ms)', of: ({ detectionMs }) => percentile(detectionMs, 50) },
  { title: 'image changed -> first route, p99 (ms)', of: ({ detectionMs }) => percentile(detectionMs, 99) },
  { title: 'requests fail -> weight 0, p50 (ms)', of: ({ rollbackMs }) => percentile(rollbackMs, 50) },
  { title: 'requests fail -> weight 0, p99 (ms)', of: ({ rollbackMs }) => percentile(rollbackMs, 99) },
  { title: 'API requests per canary: creation', of: ({ requests }) => requests.creation },
  { title: 'API requests per canary: detection', of: ({ requests }) => requests.detection },
  { title: 'API requests per canary: rollback', of: ({ requests }) => requests.rollback },
  { title: 'API requests while idle, all canaries', of: ({ requests }) => requests.idle },
  { title: 'memory at the end (MB)', of: ({ usage }) => usage.residentMb },
  { title: 'memory, peak (MB)', of: ({ usage }) => usage.peakMb },
  { title: 'processor time (s)', of: ({ usage }) => usage.cpuSeconds },
  { title: 'processor time of the control plane: detection (s)', of: ({ planeCpuSeconds }) => planeCpuSeconds },
  { title: 'event-loop delay while idle, p99 (ms)', of: ({ eventLoopDelayMs }) => eventLoopDelayMs },
]

/** What of the first row is left where no controller works. */
const floorRows: readonly { readonly title: string; readonly of: (floor: Floor) => number | undefined }[] = [
  { title: 'no controller: image changed -> pod ready, p50 (ms)', of: ({ readyMs }) => percentile(readyMs, 50) },
  { title: 'no controller: image changed -> pod ready, p99 (ms)', of: ({ readyMs }) => percentile(readyMs, 99) },
  { title: 'no controller: processor time of the control plane (s)', of: ({ cpuSeconds }) => cpuSeconds },
]

/** A Markdown table: one column a controller, and beside each peer how many times ours it is. */
export function renderSummary(floor: Floor, [ours, ...peers]: readonly Measurement[]): string {
  if (ours === undefined) return ''
  const head = ['', ours.subject, ...peers.flatMap(({ subject }) => [subject, 'ratio'])]
  const body = rows.map(({ title, of }) => {
    const own = of(ours)
    return [title, show(own), ...peers.flatMap((peer) => [show(of(peer)), ratio(of(peer), own)])]
  })
  const below = floorRows.map(({ title, of }) => [title, show(of(floor)), ...peers.flatMap(() => ['-', '-'])])
  return [head, head.map(() => '---'), ...body, ...below].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function show(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '-'
  return value >= 100 ? value.toFixed(0) : value.toFixed(1)
}

const ratio = (theirs: number | undefined, ours: number | undefined): string =>
  theirs === undefined || ours === undefined || ours === 0 ? '-' : `${(theirs / ours).toFixed(1)}x`
