/**
 * local/prometheus: one real Prometheus for the local platform, told by files which pods to scrape. It evaluates nothing
 * itself: gates ask it over HTTP, as they would ask any other.
 */
export { createPrometheus, type Prometheus, type PrometheusOptions } from './prometheus.ts'
export { createTargetWriter, type TargetWriterOptions } from './target-writer.ts'
