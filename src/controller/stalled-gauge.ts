import { Gauge, type Registry } from 'prom-client'
import type { Canary } from '../api/index.ts'

/** Read from the objects when it is scraped: whoever stalls a Canary says so there. */
export function createStalledGauge(registry: Registry, canaries: () => readonly Canary[]): void {
  new Gauge({
    registers: [registry],
    name: 'sluice_canary_stalled',
    help: '1 for each Canary that stands still until somebody acts (condition Stalled), by reason; releases that were taken back are none',
    labelNames: ['name', 'namespace', 'reason'],
    collect() {
      this.reset()
      for (const { metadata, status } of canaries()) {
        const stalled = status?.conditions?.find(({ type }) => type === 'Stalled')
        if (stalled?.status !== 'True' || status?.phase === 'Failed') continue
        this.set({ name: metadata.name, namespace: metadata.namespace ?? '', reason: stalled.reason }, 1)
      }
    },
  })
}
