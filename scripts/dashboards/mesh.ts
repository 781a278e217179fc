import { connectionPanels } from './connections.ts'
import { type Dashboard, graph, stat } from './dashboard.ts'
import {
  callerFailures,
  failures,
  latencies,
  quantile,
  requestRate,
  requests,
  successRate,
  successRates,
} from './requests.ts'

const ANSWERED = 'reporter="destination"'
const ASKED = 'reporter="source"'
const WORKLOAD = 'destination_workload_namespace, destination_workload'
const NAME = '{{destination_workload_namespace}}/{{destination_workload}}'

export const mesh: Dashboard = {
  uid: 'sluice-mesh',
  title: 'Sluice / Mesh',
  description: 'Every request between the workloads of the mesh, as the answering pods and the callers counted it.',
  variables: [],
  rows: [
    {
      title: 'Now',
      panels: [
        stat('Requests', requestRate(ANSWERED), { unit: 'reqps' }),
        stat('Success rate', successRate(ANSWERED), { unit: 'percent', isLowBad: true, alarmAt: 95, warnAt: 99 }),
        stat('Latency p50', quantile(0.5, ANSWERED), { unit: 'ms' }),
        stat('Latency p95', quantile(0.95, ANSWERED), { unit: 'ms' }),
        stat('Latency p99', quantile(0.99, ANSWERED), { unit: 'ms' }),
        stat(
          'Encrypted',
          `100 * ${requestRate(`${ANSWERED}, connection_security_policy="mutual_tls"`)} / ${requestRate(ANSWERED)}`,
          {
            unit: 'percent',
            description: 'Share of the requests that came over mutual TLS.',
          },
        ),
      ],
    },
    {
      title: 'Requests',
      panels: [
        graph('Requests by code', [requests(ANSWERED, 'response_code', '{{response_code}}')], { unit: 'reqps' }),
        graph('5xx and lost answers by workload', [failures(ANSWERED, WORKLOAD, NAME)], { unit: 'reqps' }),
        graph('Latency', latencies(ANSWERED), { unit: 'ms' }),
        graph('Latency p99 by workload', [{ expr: quantile(0.99, ANSWERED, WORKLOAD), legend: NAME }], { unit: 'ms' }),
      ],
    },
    {
      title: 'What only callers know',
      panels: [
        graph('Timeouts, breakers, connections', callerFailures(ASKED), { unit: 'reqps' }),
        graph(
          'Circuit breakers and ejections',
          [
            {
              expr: 'sum(rate(envoy_cluster_upstream_rq_pending_overflow[$__rate_interval]))',
              legend: 'refused a second',
            },
            { expr: 'sum(envoy_cluster_circuit_breakers_default_rq_open)', legend: 'breakers open' },
            { expr: 'sum(envoy_cluster_outlier_detection_ejections_active)', legend: 'pods ejected' },
          ],
          { unit: 'short' },
        ),
      ],
    },
    {
      title: 'Connections',
      panels: connectionPanels(ANSWERED, WORKLOAD, NAME),
    },
    {
      title: 'Workloads',
      panels: [
        {
          kind: 'table',
          title: 'Workloads: requests a second, success rate (%), latency p50 and p99 (ms)',
          unit: 'short',
          width: 24,
          queries: [
            requests(ANSWERED, WORKLOAD, ''),
            successRates(ANSWERED, WORKLOAD, ''),
            { expr: quantile(0.5, ANSWERED, WORKLOAD) },
            { expr: quantile(0.99, ANSWERED, WORKLOAD) },
          ],
        },
      ],
    },
  ],
}
