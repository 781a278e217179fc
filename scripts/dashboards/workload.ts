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

const IN = 'reporter="destination", destination_workload_namespace="$namespace", destination_workload="$workload"'
const OUT = 'reporter="source", source_workload_namespace="$namespace", source_workload="$workload"'
const SEEN = '__name__=~"istio_requests_total|istio_tcp_connections_opened_total"'
const SEEN_IN = `{${SEEN}, reporter="destination", destination_workload_namespace="$namespace"}`
const SEEN_OUT = `{${SEEN}, reporter="source", source_workload_namespace="$namespace"}`
const CALLER = 'source_workload_namespace, source_workload'
const PODS = 'namespace="$namespace", pod=~"$workload-.*"'

export const workload: Dashboard = {
  uid: 'sluice-workload',
  title: 'Sluice / Workload',
  description: 'What comes to one workload, what it asks of others, and its proxies.',
  variables: [
    {
      name: 'namespace',
      label: 'Namespace',
      query: 'label_values(envoy_server_live, namespace)',
    },
    {
      name: 'workload',
      label: 'Workload',
      // Who only asks is known as a source, who only answers as a destination.
      query: `query_result(count by (workload) (label_replace(${SEEN_IN}, "workload", "$1", "destination_workload", "(.+)") or label_replace(${SEEN_OUT}, "workload", "$1", "source_workload", "(.+)")))`,
      regex: '/workload="([^"]+)"/',
    },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        stat('Requests', requestRate(IN), { unit: 'reqps' }),
        stat('Success rate', successRate(IN), { unit: 'percent', isLowBad: true, alarmAt: 95, warnAt: 99 }),
        stat('Latency p50', quantile(0.5, IN), { unit: 'ms' }),
        stat('Latency p95', quantile(0.95, IN), { unit: 'ms' }),
        stat('Latency p99', quantile(0.99, IN), { unit: 'ms' }),
        stat('Pods with a proxy', `count(envoy_server_live{${PODS}} == 1)`),
      ],
    },
    {
      title: 'Inbound',
      panels: [
        graph('Requests by code', [requests(IN, 'response_code', '{{response_code}}')], { unit: 'reqps' }),
        graph('Requests by caller', [requests(IN, CALLER, '{{source_workload_namespace}}/{{source_workload}}')], {
          unit: 'reqps',
        }),
        graph('Latency', latencies(IN), { unit: 'ms' }),
        graph(
          '5xx and lost answers by caller',
          [failures(IN, CALLER, '{{source_workload_namespace}}/{{source_workload}}')],
          {
            unit: 'reqps',
          },
        ),
      ],
    },
    {
      title: 'Outbound',
      panels: [
        graph('Requests by service', [requests(OUT, 'destination_service', '{{destination_service}}')], {
          unit: 'reqps',
        }),
        graph('Success rate by service', [successRates(OUT, 'destination_service', '{{destination_service}}')], {
          unit: 'percent',
          max: 100,
        }),
        graph('Latency', latencies(OUT), { unit: 'ms' }),
        graph('Timeouts, breakers, connections', callerFailures(OUT), { unit: 'reqps' }),
      ],
    },
    {
      title: 'Connections',
      panels: [
        ...connectionPanels(IN, CALLER, '{{source_workload_namespace}}/{{source_workload}}'),
        ...connectionPanels(OUT, 'destination_service', 'to {{destination_service}}'),
      ],
    },
    {
      title: 'Proxies',
      panels: [
        graph('Memory', [{ expr: `envoy_server_memory_allocated{${PODS}}`, legend: '{{pod}}' }], {
          unit: 'bytes',
          width: 8,
        }),
        graph(
          'Connections to others',
          [{ expr: `sum by (pod) (envoy_cluster_upstream_cx_active{${PODS}})`, legend: '{{pod}}' }],
          { width: 8 },
        ),
        graph(
          'Circuit breakers',
          [
            {
              expr: `sum by (pod) (rate(envoy_cluster_upstream_rq_pending_overflow{${PODS}}[$__rate_interval]))`,
              legend: '{{pod}} refused a second',
            },
            { expr: `sum by (pod) (envoy_cluster_circuit_breakers_default_rq_open{${PODS}})`, legend: '{{pod}} open' },
          ],
          { width: 8 },
        ),
      ],
    },
  ],
}
