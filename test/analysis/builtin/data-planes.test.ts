import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAnalyst, type MeasureRequest } from '../../../src/analysis/index.ts'
import type { MetricsProvider } from '../../../src/api/index.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { type Labels, type Series, scraped } from '../../support/history.ts'
import { type RunningPrometheus, startPrometheus } from '../../support/prometheus.ts'
import { EPOCH, WINDOW } from '../mesh-history.ts'

/** How one data plane reports the new version of `web` in `shop`, as its documentation has it. */
interface Report {
  readonly counter: string
  readonly histogram: string
  /** Unit of the histogram in milliseconds. */
  readonly unitMs: 1 | 1_000
  readonly labels: Labels
  /** Labels of the histogram beside those. */
  readonly timed?: Labels
  readonly succeeded: Labels
  readonly failed: Labels
  /** Series that look alike and belong to others: the primary, another Service, what the pods ask elsewhere. */
  readonly others: readonly Labels[]
  /** What else counts as a failure, or does not. */
  readonly alsoFailed?: Labels
  readonly notFailed?: Labels
}

const envoy = {
  counter: 'envoy_cluster_upstream_rq',
  histogram: 'envoy_cluster_upstream_rq_time_bucket',
  unitMs: 1,
  succeeded: { envoy_response_code: '200' },
  failed: { envoy_response_code: '503' },
  notFailed: { envoy_response_code: '404' },
} as const

const clusters = (own: string, ...others: readonly string[]) => ({
  ...envoy,
  labels: { envoy_cluster_name: own },
  others: others.map((name) => ({ envoy_cluster_name: name })),
})

const byCode = {
  succeeded: { code: '200' },
  failed: { code: '500' },
  notFailed: { code: '404' },
} as const

const application = (namespace: string, pod: string, code: string) =>
  ({
    counter: 'http_request_duration_seconds_count',
    histogram: 'http_request_duration_seconds_bucket',
    unitMs: 1_000,
    labels: { [namespace]: 'shop', [pod]: 'web-6f7d9c5b4-x7k2p' },
    succeeded: { [code]: '200' },
    failed: { [code]: '502' },
    notFailed: { [code]: '429' },
    others: [
      { [namespace]: 'shop', [pod]: 'web-primary-6f7d9c5b4-x7k2p' },
      { [namespace]: 'shop', [pod]: 'web-foo-0' },
      { [namespace]: 'else', [pod]: 'web-6f7d9c5b4-x7k2p' },
    ],
  }) as const

const reports: readonly (readonly [string, MetricsProvider, Report])[] = [
  [
    'Linkerd',
    'linkerd',
    {
      counter: 'response_total',
      histogram: 'response_latency_ms_bucket',
      unitMs: 1,
      labels: { namespace: 'shop', deployment: 'web', direction: 'inbound', pod: 'web-1' },
      succeeded: { classification: 'success', status_code: '200' },
      failed: { classification: 'failure', status_code: '500' },
      alsoFailed: { classification: 'failure', status_code: '200', grpc_status: '14' },
      others: [
        { namespace: 'shop', deployment: 'web-primary', direction: 'inbound' },
        { namespace: 'shop', deployment: 'web', direction: 'outbound', dst_deployment: 'db' },
        { namespace: 'else', deployment: 'web', direction: 'inbound' },
      ],
    },
  ],
  [
    'Consul',
    'consul',
    {
      ...envoy,
      labels: {
        envoy_cluster_name: 'web-canary.default.dc1.internal.id.consul',
        consul_destination_service: 'web-canary',
        consul_source_service: 'load',
      },
      others: [
        { consul_destination_service: 'web-primary', consul_source_service: 'load' },
        { consul_destination_service: 'db', consul_source_service: 'web-canary' },
        { envoy_cluster_name: 'local_app', consul_source_service: 'web-canary' },
      ],
    },
  ],
  ...(['service', 'kuma_io_service'] as const).map(
    (label) =>
      [
        `Kuma (${label})`,
        'kuma',
        {
          ...envoy,
          labels: { [label]: 'web-canary_shop_svc_80', envoy_cluster_name: 'localhost_8080' },
          others: [
            { [label]: 'web-canary_shop_svc_80', envoy_cluster_name: 'db_shop_svc_5432' },
            { [label]: 'web-primary_shop_svc_80', envoy_cluster_name: 'localhost_8080' },
            { [label]: 'web-canary_else_svc_80', envoy_cluster_name: 'localhost_8080' },
          ],
        },
      ] as const,
  ),
  [
    'Contour',
    'contour',
    clusters('shop_web-canary_80', 'shop_web-primary_80', 'else_web-canary_80', 'shop_other-web-canary_80'),
  ],
  [
    'Gloo (discovered)',
    'gloo',
    clusters('shop-web-canary-80_gloo-system', 'shop-web-primary-80_gloo-system', 'else-web-canary-80_gloo-system'),
  ],
  [
    'Gloo (as Flagger writes it)',
    'gloo',
    clusters('shop-web-canaryupstream-80_shop', 'shop-web-primaryupstream-80_shop'),
  ],
  [
    'ingress-nginx',
    'nginx',
    {
      counter: 'nginx_ingress_controller_requests',
      histogram: 'nginx_ingress_controller_request_duration_seconds_bucket',
      unitMs: 1_000,
      labels: { namespace: 'shop', ingress: 'web', service: 'web', canary: 'shop-web-canary-80' },
      succeeded: { status: '200' },
      failed: { status: '504' },
      notFailed: { status: '404' },
      others: [
        { namespace: 'shop', ingress: 'web', service: 'web', canary: '' },
        { namespace: 'shop', ingress: 'other', service: 'other', canary: 'shop-other-canary-80' },
      ],
    },
  ],
  ...(['kubernetescrd', 'kubernetes'] as const).map(
    (provider) =>
      [
        `Traefik (${provider})`,
        'traefik',
        {
          ...byCode,
          counter: 'traefik_service_requests_total',
          histogram: 'traefik_service_request_duration_seconds_bucket',
          unitMs: 1_000,
          labels: { service: `shop-web-canary-80@${provider}`, method: 'GET', protocol: 'http' },
          others: [{ service: `shop-web-primary-80@${provider}` }, { service: 'shop-web-canary-80@file' }],
        },
      ] as const,
  ),
  [
    'APISIX',
    'apisix',
    {
      ...byCode,
      counter: 'apisix_http_status',
      histogram: 'apisix_http_latency_bucket',
      unitMs: 1,
      labels: { route: 'shop_web-web-canary_http', service: '' },
      timed: { type: 'request' },
      others: [{ route: 'shop_web_http' }, { route: 'else_web-web-canary_http' }],
    },
  ],
  ...(['kube', 'kubeew'] as const).map(
    (prefix) =>
      [
        `Skipper (${prefix})`,
        'skipper',
        {
          ...byCode,
          counter: 'skipper_response_duration_seconds_count',
          histogram: 'skipper_serve_route_duration_seconds_bucket',
          unitMs: 1_000,
          labels: { route: `${prefix}_shop__web_canary__example_org____web_canary_0` },
          others: [
            { route: `${prefix}_shop__web__example_org____web_primary` },
            { route: `${prefix}_else__web_canary__example_org____web_canary_0` },
          ],
        },
      ] as const,
  ),
  ...(['web-00002', 'web'] as const).map(
    (revision) =>
      [
        `Knative (${revision})`,
        'knative',
        {
          counter: 'revision_request_count',
          histogram: 'revision_request_latencies_bucket',
          unitMs: 1,
          labels: { namespace_name: 'shop', revision_name: revision, container_name: 'queue-proxy', pod_name: 'web-1' },
          succeeded: { response_code: '200', response_code_class: '2xx' },
          failed: { response_code: '502', response_code_class: '5xx' },
          notFailed: { response_code: '404', response_code_class: '4xx' },
          others: [
            { namespace_name: 'shop', revision_name: 'web-primary-00001' },
            { namespace_name: 'shop', revision_name: 'web-api-00002' },
            { namespace_name: 'else', revision_name: revision },
          ],
        },
      ] as const,
  ),
  ['an application (Prometheus Operator)', 'kubernetes', application('namespace', 'pod', 'code')],
  ['an application (annotations)', 'kubernetes', application('kubernetes_namespace', 'kubernetes_pod_name', 'status')],
  ['an application behind Gateway API', 'gatewayapi', application('namespace', 'pod', 'status_code')],
]

const series = (name: string, labels: Labels, perSecond: number): Series => ({
  name,
  labels: { instance: 'one', ...labels },
  points: scraped(0, 90, (second) => perSecond * second).map(([second, value]) => [EPOCH + second, value] as const),
})

/** Ten requests a second, one of them failing; half take up to 25 ms, the rest up to 100. */
function historyOf(report: Report): readonly Series[] {
  const { counter, histogram, labels, timed = {}, succeeded, failed, others, unitMs } = report
  const bound = (milliseconds: number) => `${milliseconds / unitMs}`
  const buckets = (of: Labels, perSecond: readonly [number, number, number]) =>
    [bound(25), bound(100), '+Inf'].map((le, index) =>
      series(histogram, { ...of, ...timed, ...succeeded, le }, perSecond[index] ?? 0),
    )
  return [
    series(counter, { ...labels, ...succeeded }, 7),
    series(counter, { ...labels, ...(report.notFailed ?? { ...succeeded, more: '1' }) }, 2),
    series(counter, { ...labels, ...(report.alsoFailed ?? failed) }, 1),
    ...buckets(labels, [5, 10, 10]),
    ...others.flatMap((other) => [series(counter, { ...other, ...failed }, 100), ...buckets(other, [0, 0, 100])]),
  ]
}

describe.each(reports)('%s', (_, metricsProvider, report) => {
  let prometheus: RunningPrometheus
  beforeAll(async () => {
    prometheus = await startPrometheus({ history: historyOf(report) })
  })
  afterAll(() => prometheus.stop())

  const requestFor = (namespace: string): MeasureRequest => ({
    subject: { canary: 'web', namespace, target: 'web', primary: 'web-primary', service: 'web', metricsProvider },
    checks: [
      { metric: { name: 'request-success-rate', thresholdRange: { min: 99 } } },
      { metric: { name: 'request-duration', thresholdRange: { max: 500 } } },
    ],
    window: WINDOW,
    metricsServer: prometheus.address,
  })
  const measure = (namespace: string) =>
    createAnalyst({ clock: systemClock, log: silentLogger }).measure(
      requestFor(namespace),
      AbortSignal.timeout(120_000),
    )

  test('its requests, failures and durations are those of the new version alone', async () => {
    const verdicts = await measure('shop')
    expect(verdicts).toMatchObject([
      {
        state: 'failed',
        value: 90,
        requests: 90,
        errors: 9,
        message: expect.stringContaining('9 of 90 requests failed'),
      },
      // The window of Envoy's histograms begins a flush later.
      { state: 'passed', value: expect.closeTo(98.5, 6), requests: report.counter.startsWith('envoy') ? 40 : 90 },
    ])
  })

  test('without requests there is no verdict', async () => {
    const verdicts = await measure('nowhere')
    const isNamespaced = metricsProvider !== 'consul'
    expect(verdicts.map(({ state }) => state)).toEqual(isNamespaced ? ['no-data', 'no-data'] : ['failed', 'passed'])
  })
})
