import type { MetricProviderSpec } from '../api/index.ts'
import type { MetricProvider, ProviderOptions } from './provider.ts'
import { createCloudWatchProvider } from './providers/cloudwatch.ts'
import { createDatadogProvider } from './providers/datadog.ts'
import { createElasticsearchProvider } from './providers/elasticsearch.ts'
import { createExternalMetricsProvider } from './providers/external-metrics.ts'
import { createGraphiteProvider } from './providers/graphite.ts'
import { createInfluxDbProvider } from './providers/influxdb.ts'
import { createJobProvider } from './providers/job.ts'
import { createNewRelicProvider } from './providers/newrelic.ts'
import { createPrometheusProvider } from './providers/prometheus.ts'
import { createStackdriverProvider } from './providers/stackdriver.ts'
import { createWebProvider } from './providers/web.ts'

/** Every kind of metric server that a MetricTemplate may name. */
export const providers: Readonly<Record<MetricProviderSpec['type'], (options: ProviderOptions) => MetricProvider>> = {
  prometheus: createPrometheusProvider,
  web: createWebProvider,
  datadog: createDatadogProvider,
  cloudwatch: createCloudWatchProvider,
  newrelic: createNewRelicProvider,
  graphite: createGraphiteProvider,
  stackdriver: createStackdriverProvider,
  influxdb: createInfluxDbProvider,
  externalmetrics: createExternalMetricsProvider,
  elasticsearch: createElasticsearchProvider,
  job: createJobProvider,
}
