import { z } from 'zod'

/** Whose metrics the built-in ones read. */
export const metricsProviderSchema = z.enum([
  'mesh',
  'istio',
  'linkerd',
  'consul',
  'kuma',
  'contour',
  'gloo',
  'nginx',
  'traefik',
  'apisix',
  'skipper',
  'knative',
  'gatewayapi',
  'kubernetes',
])
export type MetricsProvider = z.infer<typeof metricsProviderSchema>
