import { stringify } from 'yaml'
import { metricsPort, type Namespace, type Pod } from '../../api/index.ts'
import { sidecarModeOf } from '../node-agent/index.ts'

/**
 * Scrapes what the file of targets names, each second, and calls Istio's metrics by Istio's names; and our own processes,
 * by name, now and then: no verdict waits for them.
 */
export const renderConfiguration = (targetsFile: string, processes: Readonly<Record<string, string>>): string =>
  stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '5s' },
    scrape_configs: [
      {
        job_name: 'envoy-stats',
        metrics_path: '/stats/prometheus',
        file_sd_configs: [{ files: [targetsFile], refresh_interval: '5s' }],
        metric_relabel_configs: [
          // Envoy puts its own prefix and that of the scope before the names of the stats access logger.
          { source_labels: ['__name__'], regex: 'envoy_mesh_(istio_.*)', target_label: '__name__', replacement: '$1' },
        ],
      },
      ...Object.entries(processes).map(([name, address]) => ({
        job_name: name,
        scrape_interval: '5s',
        static_configs: [{ targets: [address] }],
      })),
    ],
  })

export interface Target {
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

/** Every pod with an Envoy that has an address, ready or not: its first seconds are evidence too. */
export function renderTargets(pods: readonly Pod[], namespaces: readonly Namespace[]): readonly Target[] {
  const byName = new Map(namespaces.map((namespace) => [namespace.metadata.name, namespace]))
  return pods
    .filter((pod) => sidecarModeOf(pod, byName.get(pod.metadata.namespace ?? '')) !== 'none')
    .flatMap((pod) => targetOf(pod))
    .sort((left, right) => ((left.targets[0] ?? '') < (right.targets[0] ?? '') ? -1 : 1))
}

function targetOf({ metadata, status }: Pod): readonly Target[] {
  if (status?.podIP === undefined || status.phase === 'Succeeded' || status.phase === 'Failed') return []
  const labels = { namespace: metadata.namespace ?? '', pod: metadata.name, app: metadata.labels?.app ?? '' }
  return [{ targets: [`${status.podIP}:${metricsPort}`], labels }]
}
