import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { ResourceType } from '../envoy/index.ts'
import type { Expiries } from './certificates.ts'
import { type PushReason, pushReasons } from './watches.ts'

/** What is looked up when somebody reads the metrics. */
export interface MeshFacts {
  /** Open streams. */
  connected(): number
  services(): number
  virtualServices(): number
  /** Undefined until there is an authority. */
  expiries(): Expiries | undefined
  nowMs(): number
}

/** Istio's labels for the types of resources. */
const istioTypes: Readonly<Record<ResourceType, string>> = {
  cluster: 'cds',
  endpoints: 'eds',
  listener: 'lds',
  routes: 'rds',
  virtualHost: 'vhds',
  secret: 'sds',
}

/** Numbers that Istio's control plane has too, under its names, so that dashboards and alerts for it read ours. */
export function createIstioMetrics(registry: Registry, facts: MeshFacts) {
  createGauges(registry, facts)
  const byType = createTypedMetrics(registry)
  const authority = createAuthorityCounters(registry)
  const triggers = new Counter({
    registers: [registry],
    name: 'pilot_push_triggers',
    help: 'Configurations that were built, by what had changed; one that was built for several counts for each',
    labelNames: ['type'],
  })
  for (const type of pushReasons) triggers.inc({ type }, 0)
  const seconds = (name: string, help: string) =>
    new Histogram({ registers: [registry], name, help, buckets: [0.01, 0.1, 0.5, 1, 3, 5, 10, 20, 30] })
  const convergence = seconds(
    'pilot_proxy_convergence_time',
    'Seconds from a change until a proxy that it concerns has answered all that it was sent',
  )
  const debounce = seconds('pilot_debounce_time', 'Seconds from the first change to the configuration made of it')
  return {
    pushed(type: ResourceType, bytes: number) {
      byType.pushes.inc({ type: istioTypes[type] })
      byType.sizes.observe({ type: istioTypes[type] }, bytes)
    },
    rejected: (type: ResourceType) => byType.rejects.inc({ type: istioTypes[type] }),
    converged: (ms: number) => convergence.observe(ms / 1_000),
    debounced: (ms: number) => debounce.observe(ms / 1_000),
    triggered: (type: PushReason) => triggers.inc({ type }),
    issued: (count: number) => authority.issued.inc(count),
    issuingFailed: () => authority.failed.inc(),
    refused: () => authority.refused.inc(),
  }
}

function createTypedMetrics(registry: Registry) {
  const common = { registers: [registry], labelNames: ['type'] as const }
  const pushes = new Counter({
    ...common,
    name: 'pilot_xds_pushes',
    help: 'Responses sent to proxies: cds, eds, lds, rds, vhds, sds',
  })
  const rejects = new Counter({
    ...common,
    name: 'pilot_total_xds_rejects',
    help: 'Responses that proxies rejected; they keep what they had',
  })
  const sizes = new Histogram({
    ...common,
    name: 'pilot_xds_config_size_bytes',
    help: 'Size of the responses',
    buckets: [1_000, 10_000, 100_000, 1_000_000, 4_000_000, 10_000_000, 40_000_000],
  })
  // A counter that is not there before its first event hides it from increase().
  for (const type of Object.values(istioTypes)) for (const counter of [pushes, rejects]) counter.inc({ type }, 0)
  return { pushes, rejects, sizes }
}

const createAuthorityCounters = (registry: Registry) => ({
  issued: new Counter({
    registers: [registry],
    name: 'citadel_server_success_cert_issuance_count',
    help: 'Certificates issued',
  }),
  failed: new Counter({
    registers: [registry],
    name: 'citadel_server_csr_sign_err_count',
    help: 'Rounds in which certificates could not be issued; the old ones stay',
  }),
  refused: new Counter({
    registers: [registry],
    name: 'citadel_server_authentication_failure_count',
    help: 'Streams refused for a token that is missing, wrong or that of another pod',
  }),
})

function createGauges(registry: Registry, facts: MeshFacts): void {
  const gauge = (name: string, help: string, value: () => number | undefined) =>
    new Gauge({
      registers: [registry],
      name,
      help,
      collect() {
        this.reset()
        const now = value()
        if (now === undefined) this.remove()
        else this.set(now)
      },
    })
  gauge('pilot_xds', 'Proxies with an open stream', facts.connected)
  gauge('pilot_services', 'Services that the mesh knows', facts.services)
  gauge('pilot_virt_services', 'VirtualServices that the mesh knows', facts.virtualServices)
  for (const [name, which, what] of [
    ['citadel_server_root_cert_expiry', 'rootMs', 'the root that certificates are issued from'],
    ['citadel_server_cert_chain_expiry', 'authorityMs', "the authority's own certificate"],
  ] as const) {
    const endsMs = () => facts.expiries()?.[which]
    gauge(`${name}_timestamp`, `Unix time at which ${what} expires`, () => inSeconds(endsMs()))
    gauge(`${name}_seconds`, `Seconds until ${what} expires`, () => inSeconds(endsMs(), facts.nowMs()))
  }
}

const inSeconds = (ms: number | undefined, sinceMs = 0): number | undefined =>
  ms === undefined ? undefined : (ms - sinceMs) / 1_000
