import type { Span } from '../../test/support/trace-collector.ts'

/** A span and what it caused, in the order of their services. */
export interface TraceNode {
  readonly kind: string
  readonly service: string
  readonly caused: readonly TraceNode[]
}

/** One tree for each span whose cause is not among them; requests that are one trace give one. */
export function tracesOf(spans: readonly Span[]): readonly TraceNode[] {
  const ids = new Set(spans.map(keyOf))
  const isRoot = (span: Span) => span.parentId === undefined || !ids.has(`${span.traceId} ${span.parentId}`)
  return spans
    .filter(isRoot)
    .map((span) => nodeOf(span, spans))
    .toSorted(byService)
}

/** Names of the services that answered in these spans. */
export const servicesOf = (spans: readonly Span[]): readonly string[] =>
  [...new Set(spans.filter(({ kind }) => kind === 'SERVER').map(serviceOf))].toSorted()

export const renderTraces = (traces: readonly TraceNode[]): string =>
  traces.flatMap((trace, index) => [`trace ${index + 1}`, ...linesOf(trace, 1)]).join('\n')

const keyOf = ({ traceId, id }: Span): string => `${traceId} ${id}`

function nodeOf(span: Span, spans: readonly Span[]): TraceNode {
  const caused = spans.filter(({ traceId, parentId }) => traceId === span.traceId && parentId === span.id)
  return {
    kind: span.kind ?? '',
    service: serviceOf(span),
    caused: caused.map((each) => nodeOf(each, spans)).toSorted(byService),
  }
}

/** Of `order.default`, or of `order-0.shop`. */
const serviceOf = ({ localEndpoint }: Span): string => localEndpoint.serviceName.split(/[-.]/)[0] ?? ''

const byService = (left: TraceNode, right: TraceNode): number => (innermost(left) < innermost(right) ? -1 : 1)

/** Calls of one service are told apart by whom they reach. */
const innermost = (node: TraceNode): string => node.caused.map(({ service }) => service).join() || node.service

const linesOf = (node: TraceNode, depth: number): readonly string[] => [
  `${'  '.repeat(depth)}${node.kind.padEnd(6)} ${node.service}`,
  ...node.caused.flatMap((each) => linesOf(each, depth + 1)),
]
