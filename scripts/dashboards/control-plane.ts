import { type Dashboard, graph, type Query, stat } from './dashboard.ts'

const quantiles = (metric: string): readonly Query[] =>
  [0.5, 0.99].map((share) => ({
    expr: `histogram_quantile(${share}, sum by (le) (rate(${metric}_bucket[$__rate_interval])))`,
    legend: `p${share * 100}`,
  }))

const rate = (metric: string, by: string): Query => ({
  expr: `sum by (${by}) (rate(${metric}[$__rate_interval]))`,
  legend: `{{${by}}}`,
})

/** Of the process that exports `mark`. */
const ofProcess = (metric: string, mark: string, legend: string): Query => ({
  expr: `${metric} and on (instance) ${mark}`,
  legend: `${legend} {{instance}}`,
})

export const controlPlane: Dashboard = {
  uid: 'sluice-control-plane',
  title: 'Sluice / Control plane',
  description: 'How fast changes reach the proxies, what they reject, the certificates, and the processes of Sluice.',
  variables: [],
  rows: [
    {
      title: 'Now',
      panels: [
        stat('Proxies', 'sum(pilot_xds)'),
        stat('Services', 'max(pilot_services)'),
        stat('VirtualServices', 'max(pilot_virt_services)'),
        stat('Routes not in force', 'sum(max by (reason) (sluice_mesh_routes{reason!~"Programmed|Pending"}))', {
          warnAt: 1,
          alarmAt: 5,
        }),
        stat('First certificate expires', '1000 * min(sluice_mesh_certificate_expiry_timestamp_seconds)', {
          unit: 'dateTimeFromNow',
          description: 'Certificates of workloads live 24 h and are renewed at half of it.',
        }),
        stat('Root expires', '1000 * min(citadel_server_root_cert_expiry_timestamp)', { unit: 'dateTimeFromNow' }),
      ],
    },
    {
      title: 'Configuration',
      panels: [
        graph('Change to the last answer of a proxy', quantiles('pilot_proxy_convergence_time'), {
          unit: 's',
          width: 8,
        }),
        graph('Route to the last answer of all proxies', quantiles('sluice_mesh_convergence_seconds'), {
          unit: 's',
          width: 8,
        }),
        graph('Time to build for all proxies', quantiles('sluice_mesh_build_duration_seconds'), {
          unit: 's',
          width: 8,
        }),
        graph('Pushes by type', [rate('pilot_xds_pushes', 'type')], { unit: 'ops', width: 8 }),
        graph('Rejections by type', [rate('pilot_total_xds_rejects', 'type')], { unit: 'ops', width: 8 }),
        graph(
          'Size of what is sent, p99',
          [
            {
              expr: 'histogram_quantile(0.99, sum by (type, le) (rate(pilot_xds_config_size_bytes_bucket[$__rate_interval])))',
              legend: '{{type}}',
            },
          ],
          { unit: 'bytes', width: 8 },
        ),
        graph('Built for', [rate('pilot_push_triggers', 'type')], { unit: 'ops', width: 8 }),
        graph('Changes wait for each other', quantiles('pilot_debounce_time'), { unit: 's', width: 8 }),
        graph('Routes by state', [{ expr: 'max by (reason) (sluice_mesh_routes)', legend: '{{reason}}' }], {
          width: 8,
        }),
        graph('Open streams', [{ expr: 'pilot_xds', legend: '{{instance}}' }], { width: 8 }),
      ],
    },
    {
      title: 'Certificates',
      panels: [
        graph(
          'Issued',
          [{ expr: 'sum(rate(citadel_server_success_cert_issuance_count[$__rate_interval]))', legend: 'issued' }],
          { unit: 'ops', width: 8 },
        ),
        graph(
          'Failures',
          [
            { expr: 'sum(rate(citadel_server_csr_sign_err_count[$__rate_interval]))', legend: 'could not be issued' },
            {
              expr: 'sum(rate(citadel_server_authentication_failure_count[$__rate_interval]))',
              legend: 'streams refused',
            },
          ],
          { unit: 'ops', width: 8 },
        ),
        graph(
          'Time left of the authority',
          [
            { expr: 'min(citadel_server_cert_chain_expiry_seconds)', legend: 'what signs' },
            { expr: 'min(citadel_server_root_cert_expiry_seconds)', legend: 'root' },
          ],
          { unit: 's', width: 8 },
        ),
      ],
    },
    {
      title: 'Processes',
      panels: [
        graph(
          'Memory',
          [
            ofProcess('process_resident_memory_bytes', 'pilot_xds', 'mesh'),
            ofProcess('process_resident_memory_bytes', 'sluice_guard_watched_canaries', 'controller'),
          ],
          { unit: 'bytes', width: 8 },
        ),
        graph(
          'Processor',
          [
            ofProcess('rate(process_cpu_seconds_total[$__rate_interval])', 'pilot_xds', 'mesh'),
            ofProcess(
              'rate(process_cpu_seconds_total[$__rate_interval])',
              'sluice_guard_watched_canaries',
              'controller',
            ),
          ],
          { unit: 'short', width: 8 },
        ),
        graph(
          'Event loop late by, p99',
          [
            ofProcess('nodejs_eventloop_lag_p99_seconds', 'pilot_xds', 'mesh'),
            ofProcess('nodejs_eventloop_lag_p99_seconds', 'sluice_guard_watched_canaries', 'controller'),
          ],
          { unit: 's', width: 8 },
        ),
      ],
    },
    {
      title: 'Controller',
      panels: [
        graph('A pass over a Canary', quantiles('sluice_reconcile_duration_seconds'), { unit: 's', width: 8 }),
        graph(
          'Queries of the guard',
          [
            rate('sluice_guard_queries_total', 'result'),
            { expr: 'sum(rate(sluice_guard_suspicions_total[$__rate_interval]))', legend: 'suspicions' },
          ],
          { unit: 'ops', width: 8 },
        ),
        graph('Releases that the guard watches', [{ expr: 'sum(sluice_guard_watched_canaries)', legend: 'releases' }], {
          width: 8,
        }),
      ],
    },
  ],
}
