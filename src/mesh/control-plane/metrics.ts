import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { ResourceType } from '../envoy/index.ts'

/** The control plane's own numbers. */
export function createMetrics(registry: Registry, connected: () => number) {
  const registers = [registry]
  const byType = (name: string, help: string) => new Counter({ registers, name, help, labelNames: ['type'] })
  new Gauge({
    registers,
    name: 'sluice_mesh_connected_proxies',
    help: 'Proxies with an open stream',
    collect() {
      this.set(connected())
    },
  })
  new Gauge({
    registers,
    name: 'pilot_xds',
    help: 'Proxies with an open stream, under the name that Istio gives it',
    collect() {
      this.set(connected())
    },
  })
  return {
    istioPushes: byType('pilot_xds_pushes', 'Responses sent to proxies, as Istio counts them'),
    istioRejects: byType('pilot_total_xds_rejects', 'Responses that proxies rejected, as Istio counts them'),
    pushes: byType('sluice_mesh_pushes_total', 'Responses sent to proxies'),
    accepted: byType('sluice_mesh_acks_total', 'Responses that proxies accepted'),
    rejected: byType('sluice_mesh_nacks_total', 'Responses that proxies rejected'),
    build: new Histogram({
      registers,
      name: 'sluice_mesh_build_duration_seconds',
      help: 'Time to build the configuration of all proxies',
      buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2],
    }),
    convergence: new Histogram({
      registers,
      name: 'sluice_mesh_convergence_seconds',
      help: 'Time from a changed VirtualService until every proxy that needs it has accepted it',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    }),
  }
}

export type MeshMetrics = ReturnType<typeof createMetrics>

/** Istio's labels for the types of resources. */
export const istioTypes: Readonly<Record<ResourceType, string>> = {
  cluster: 'cds',
  endpoints: 'eds',
  listener: 'lds',
  routes: 'rds',
  secret: 'sds',
}
