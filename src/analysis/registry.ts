import type { MetricTemplate } from '../api/index.ts'
import type { MetricProvider, ProviderOptions } from './provider.ts'
import { createPrometheusProvider } from './providers/prometheus.ts'

export type ProviderRef = MetricTemplate['spec']['provider']

/** Every kind of metric server that a MetricTemplate may name. */
export const providers: Readonly<Record<ProviderRef['type'], (options: ProviderOptions) => MetricProvider>> = {
  prometheus: createPrometheusProvider,
}
