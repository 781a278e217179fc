import { expect, test } from 'vitest'
import { dataPlanes } from '../../../src/analysis/builtin/registry.ts'
import type { MetricsProvider } from '../../../src/api/index.ts'
import type { Labels } from '../../support/history.ts'

const canary = { namespace: 'shop.x', workload: 'web', service: 'web-canary' }
const primary = { namespace: 'shop.x', workload: 'web-primary', service: 'web-primary' }

/** A series of the new version and one of the primary, as one query for both may give them. */
const rows: readonly (readonly [MetricsProvider, Labels, Labels])[] = [
  [
    'linkerd',
    { namespace: 'shop.x', deployment: 'web', direction: 'inbound' },
    { namespace: 'shop.x', deployment: 'web-primary', direction: 'inbound' },
  ],
  ['consul', { consul_destination_service: 'web-canary' }, { consul_destination_service: 'web-primary' }],
  [
    'kuma',
    { kuma_io_service: 'web-canary_shop.x_svc_80', envoy_cluster_name: 'localhost_80' },
    { kuma_io_service: 'web-primary_shop.x_svc_80', envoy_cluster_name: 'localhost_80' },
  ],
  ['contour', { envoy_cluster_name: 'shop.x_web-canary_80' }, { envoy_cluster_name: 'shop.x_web-primary_80' }],
  ['gloo', { envoy_cluster_name: 'shop.x-web-canary-80_gloo' }, { envoy_cluster_name: 'shop.x-web-primary-80_gloo' }],
  [
    'nginx',
    { namespace: 'shop.x', service: 'web', canary: 'shop.x-web-canary-80' },
    { namespace: 'shop.x', service: 'web', canary: '' },
  ],
  ['traefik', { service: 'shop.x-web-canary-80@kubernetes' }, { service: 'shop.x-web-primary-80@kubernetes' }],
  ['apisix', { route: 'shop.x_web-canary_a', type: 'request' }, { route: 'shop.x_web-primary_a', type: 'request' }],
  ['skipper', { route: 'kube_shop_x__a__h____web_canary' }, { route: 'kube_shop_x__a__h____web_primary' }],
  [
    'knative',
    { namespace_name: 'shop.x', revision_name: 'web' },
    { namespace_name: 'shop.x', revision_name: 'web-primary-00001' },
  ],
  ['kubernetes', { namespace: 'shop.x', pod: 'web-abc-12345' }, { namespace: 'shop.x', pod: 'web-primary-abc-12345' }],
]

test('every data plane has a row', () => {
  const alike: readonly string[] = ['mesh', 'istio', 'gatewayapi']
  expect([...rows.map(([provider]) => provider), ...alike].sort()).toEqual(Object.keys(dataPlanes).sort())
})

test.each(rows)('%s tells the versions apart', (provider, ofCanary, ofPrimary) => {
  const lookAlike = JSON.parse(JSON.stringify(ofCanary).replaceAll('shop.x', 'shopyx').replaceAll('web', 'wab'))
  for (const metric of Object.values(dataPlanes[provider])) {
    const isOf = [canary, primary].map((backend) =>
      [ofCanary, ofPrimary, lookAlike].map((labels) => metric.isOf(backend, { labels, value: 1 })),
    )
    expect(isOf).toEqual([
      [true, false, false],
      [false, true, false],
    ])
  }
})
