import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { renderConfiguration, renderTargets } from '../../../src/local/prometheus/configuration.ts'
import { type PodFacts, podOf } from '../../support/workload-objects.ts'

const meshed = { app: 'web', 'sidecar.istio.io/inject': 'true' }
const pod = (name: string, facts: PodFacts) => podOf(name, { podIP: '127.70.1.1', labels: meshed, ...facts })

test('every pod with an Envoy and an address is a target, ready or not', () => {
  const enabled = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'test', labels: { 'istio-injection': 'enabled' } },
  }
  const pods = [
    pod('b', { podIP: '127.70.1.2', ready: true }),
    pod('a', {}),
    podOf('unplaced', { labels: meshed }),
    pod('finished', { phase: 'Succeeded' }),
    pod('plain', { labels: { app: 'plain', 'sidecar.istio.io/inject': 'false' } }),
    pod('by-namespace', { podIP: '127.70.1.3', labels: {} }),
  ]
  expect(renderTargets(pods, [enabled])).toEqual([
    { targets: ['127.70.1.1:15090'], labels: { namespace: 'test', pod: 'a', app: 'web' } },
    { targets: ['127.70.1.2:15090'], labels: { namespace: 'test', pod: 'b', app: 'web' } },
    { targets: ['127.70.1.3:15090'], labels: { namespace: 'test', pod: 'by-namespace', app: '' } },
  ])
})

test('scrapes proxies each second, and the processes of Sluice', () => {
  expect(parse(renderConfiguration('/data/targets.json', { 'sluice-mesh': '127.70.0.1:8081' }))).toEqual({
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '5s' },
    scrape_configs: [
      {
        job_name: 'envoy-stats',
        metrics_path: '/stats/prometheus',
        file_sd_configs: [{ files: ['/data/targets.json'], refresh_interval: '5s' }],
        metric_relabel_configs: [
          { source_labels: ['__name__'], regex: 'envoy_mesh_(istio_.*)', target_label: '__name__', replacement: '$1' },
        ],
      },
      { job_name: 'sluice-mesh', scrape_interval: '5s', static_configs: [{ targets: ['127.70.0.1:8081'] }] },
    ],
  })
})
