import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { type ResourceType, resourceTypes } from '../envoy/index.ts'
import type { Expiries } from './certificates.ts'

export interface OwnFacts {
  connected(): number
  /** Of the VirtualServices, by the reason of their condition Programmed. */
  routeReasons(): readonly string[]
  expiries(): Expiries | undefined
}

/** The control plane's own numbers. */
export function createMetrics(registry: Registry, facts: OwnFacts) {
  const registers = [registry]
  createGauges(registry, facts)
  const byType = (name: string, help: string) => {
    const counter = new Counter({ registers, name, help, labelNames: ['type'] })
    for (const type of resourceTypes) counter.inc({ type }, 0)
    return (type: ResourceType) => counter.inc({ type })
  }
  return {
    pushed: byType('sluice_mesh_pushes_total', 'Responses sent to proxies'),
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

function createGauges(registry: Registry, { connected, routeReasons, expiries }: OwnFacts): void {
  const registers = [registry]
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
    name: 'sluice_mesh_routes',
    help: 'VirtualServices by the reason of their condition Programmed; Pending has none yet',
    labelNames: ['reason'],
    collect() {
      this.reset()
      for (const reason of ['Programmed', 'ProxiesLagging', 'Rejected']) this.set({ reason }, 0)
      for (const reason of routeReasons()) this.inc({ reason })
    },
  })
  new Gauge({
    registers,
    name: 'sluice_mesh_certificate_expiry_timestamp_seconds',
    help: 'Unix time at which the first certificate of a workload expires; they are renewed at half of their life',
    collect() {
      const first = expiries()?.firstLeafMs
      if (first === undefined) this.remove()
      else this.set(first / 1_000)
    },
  })
}
