import type { MetricsProvider } from '../../api/index.ts'
import { apisix } from './data-planes/apisix.ts'
import { consul } from './data-planes/consul.ts'
import { contour } from './data-planes/contour.ts'
import type { DataPlane } from './data-planes/data-plane.ts'
import { gloo } from './data-planes/gloo.ts'
import { knative } from './data-planes/knative.ts'
import { kubernetes } from './data-planes/kubernetes.ts'
import { kuma } from './data-planes/kuma.ts'
import { linkerd } from './data-planes/linkerd.ts'
import { istio, mesh } from './data-planes/mesh.ts'
import { nginx } from './data-planes/nginx.ts'
import { skipper } from './data-planes/skipper.ts'
import { traefik } from './data-planes/traefik.ts'
import type { BuiltinMetric } from './metric.ts'

/** Whose series the built-in metrics read. */
export const dataPlanes: Readonly<Record<MetricsProvider, DataPlane>> = {
  mesh,
  istio,
  linkerd,
  consul,
  kuma,
  contour,
  gloo,
  nginx,
  traefik,
  apisix,
  skipper,
  knative,
  kubernetes,
  // An implementation of Gateway API that has metrics of its own is named itself; what all have is the application's.
  gatewayapi: kubernetes,
}

/** Metrics that a Canary may name without a template. */
export function builtinMetricsOf(provider: MetricsProvider = 'mesh'): ReadonlyMap<string, BuiltinMetric> {
  return new Map(Object.entries(dataPlanes[provider]))
}
