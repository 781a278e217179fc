import { graph, type Panel, type Query } from './dashboard.ts'

const rate = (metric: string, matchers: string, by: string, legend: string): Query => ({
  expr: `sum by (${by}) (rate(${metric}{${matchers}}[$__rate_interval]))`,
  legend,
})

/** Panels of what goes over plain TCP, told apart by labels. */
export const connectionPanels = (matchers: string, by: string, legend: string): readonly Panel[] => [
  graph('TCP connections opened', [rate('istio_tcp_connections_opened_total', matchers, by, legend)], {
    unit: 'ops',
    width: 8,
  }),
  graph('TCP connections closed', [rate('istio_tcp_connections_closed_total', matchers, by, legend)], {
    unit: 'ops',
    width: 8,
  }),
  graph(
    'TCP bytes of closed connections',
    [
      rate('istio_tcp_received_bytes_total', matchers, by, `${legend} received`),
      rate('istio_tcp_sent_bytes_total', matchers, by, `${legend} sent`),
    ],
    { unit: 'Bps', width: 8 },
  ),
]
