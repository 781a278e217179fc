import { type Dashboard, graph, stat } from './dashboard.ts'
import { callerFailures, failures, quantile, requests, successRates } from './requests.ts'

const CANARY = 'namespace="$namespace", name="$canary"'
const WEIGHT = 'namespace="$namespace", workload=~"$workload|$workload-primary"'
const VERSIONS =
  'reporter="destination", destination_workload_namespace="$namespace", destination_workload=~"$workload|$workload-primary"'
const CALLERS =
  'reporter="source", destination_service_namespace="$namespace", destination_service_name=~"$workload|$workload-primary|$workload-canary"'
const VERSION = 'destination_workload'
const NAME = '{{destination_workload}}'

export const release: Dashboard = {
  uid: 'sluice-release',
  title: 'Sluice / Release',
  description: 'One Canary: its weight, its verdicts, and the new version beside the primary.',
  variables: [
    { name: 'namespace', label: 'Namespace', query: 'label_values(sluice_canary_status, namespace)' },
    { name: 'canary', label: 'Canary', query: 'label_values(sluice_canary_status{namespace="$namespace"}, name)' },
    {
      name: 'workload',
      label: 'Workload',
      query: 'label_values(sluice_canary_weight{namespace="$namespace"}, workload)',
      regex: '/^(?!.*-primary$).+/',
    },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        stat('Release', `max(sluice_canary_status{${CANARY}})`, {
          texts: { 0: 'in progress', 1: 'done', 2: 'taken back' },
          warnAt: 1.5,
          alarmAt: 2,
          unit: 'none',
        }),
        stat('Weight of the new version', 'max(sluice_canary_weight{namespace="$namespace", workload="$workload"})', {
          unit: 'percent',
        }),
        stat('Promoted', `max(sluice_canary_successes_total{${CANARY}})`),
        stat('Taken back', `max(sluice_canary_failures_total{${CANARY}})`, { warnAt: 1 }),
        stat(
          'Time of a release, mean',
          `sum(sluice_canary_duration_seconds_sum{${CANARY}}) / sum(sluice_canary_duration_seconds_count{${CANARY}})`,
          {
            unit: 's',
          },
        ),
        stat('Canaries in progress', 'count(max by (namespace, name) (sluice_canary_status) == 0) or vector(0)'),
      ],
    },
    {
      title: 'Release',
      panels: [
        graph('Weights', [{ expr: `max by (workload) (sluice_canary_weight{${WEIGHT}})`, legend: '{{workload}}' }], {
          unit: 'percent',
          max: 100,
        }),
        graph(
          'Verdicts',
          [
            {
              expr: `sum by (metric, state) (increase(sluice_canary_verdicts_total{${CANARY}}[$__rate_interval]))`,
              legend: '{{metric}}: {{state}}',
            },
          ],
          { description: 'Only passed lets the weight rise.' },
        ),
        graph('What was measured', [
          { expr: `max by (metric) (sluice_canary_metric_analysis{${CANARY}})`, legend: '{{metric}}' },
        ]),
        graph('Requests', [requests(VERSIONS, VERSION, NAME)], { unit: 'reqps' }),
      ],
    },
    {
      title: 'The new version beside the primary',
      panels: [
        graph('Success rate', [successRates(VERSIONS, VERSION, NAME)], { unit: 'percent', max: 100 }),
        graph('5xx and lost answers', [failures(VERSIONS, VERSION, NAME)], { unit: 'reqps' }),
        graph('Latency p50', [{ expr: quantile(0.5, VERSIONS, VERSION), legend: NAME }], { unit: 'ms', width: 8 }),
        graph('Latency p95', [{ expr: quantile(0.95, VERSIONS, VERSION), legend: NAME }], { unit: 'ms', width: 8 }),
        graph('Latency p99', [{ expr: quantile(0.99, VERSIONS, VERSION), legend: NAME }], { unit: 'ms', width: 8 }),
        graph('Timeouts, breakers, connections, as callers see them', callerFailures(CALLERS), {
          unit: 'reqps',
          width: 24,
        }),
      ],
    },
  ],
}
