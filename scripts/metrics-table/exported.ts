import { Registry } from 'prom-client'
import { createFlaggerMetrics } from '../../src/controller/flagger-metrics.ts'
import { createGuardMetrics } from '../../src/controller/guard-metrics.ts'
import { createMetrics } from '../../src/controller/metrics.ts'
import { createNoticeCounter } from '../../src/controller/notice-metrics.ts'
import { countedReviews } from '../../src/mesh/control-plane/index.ts'
import { createMeasures } from '../../src/mesh/control-plane/measures.ts'
import { systemClock } from '../../src/runtime/index.ts'

export interface ExportedMetric {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
  readonly help: string
}

/** What each process registers, by name; those of Node and of the process itself apart. */
export function exportedMetrics(): Readonly<Record<string, readonly ExportedMetric[]>> {
  const [controller, mesh] = [new Registry(), new Registry()]
  for (const create of [createMetrics, createNoticeCounter, createFlaggerMetrics]) create(controller)
  createGuardMetrics(controller, systemClock.now)
  countedReviews(mesh)
  const nothing = { list: () => [] }
  const watches = { services: nothing, virtualServices: nothing }
  createMeasures({ registry: mesh, clock: systemClock, watches, connected: () => 0, expiries: () => undefined })
  return { controller: metricsOf(controller), mesh: metricsOf(mesh) }
}

export const renderTable = (metrics: readonly ExportedMetric[]): string => {
  const rows = [
    ['metric', 'type', 'labels', 'meaning'],
    ...metrics.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = rows
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}

function metricsOf(registry: Registry): readonly ExportedMetric[] {
  return registry
    .getMetricsAsArray()
    .map((metric) => {
      // The type that prom-client declares has neither, the objects have both.
      const { name, help, type, labelNames } = metric as unknown as Omit<ExportedMetric, 'labels'> & {
        readonly labelNames: readonly string[]
      }
      return {
        name,
        type: typeof type === 'string' ? type : typeOf(metric),
        labels: labelNames.filter((label) => label !== 'le'),
        help,
      }
    })
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
}

const typeOf = (metric: object): string => metric.constructor.name.toLowerCase()
