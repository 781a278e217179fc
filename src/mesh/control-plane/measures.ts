import { Registry } from 'prom-client'
import type { Clock } from '../../runtime/index.ts'
import type { AdsObserver } from '../xds/index.ts'
import type { CertificatesOptions } from './certificates.ts'
import type { Configuration } from './configuration.ts'
import { createConvergence } from './convergence.ts'
import { createIstioMetrics, type MeshFacts } from './istio-metrics.ts'
import { createMetrics, type MeshMetrics, type OwnFacts } from './metrics.ts'
import { conditionOf } from './status-writer.ts'
import type { PushReason, Watches } from './watches.ts'

/** Everything that the control plane counts, under its own names and under Istio's. */
export interface Measures
  extends Omit<Required<AdsObserver>, 'connected'>,
    Pick<CertificatesOptions, 'issued' | 'issuingFailed'> {
  readonly metrics: MeshMetrics
  /** The next build is for this, too. */
  changed(reason: PushReason): void
  /** Times a build; `waitedMs` is how long the first change has waited for it. */
  build(last: Configuration, waitedMs: number, apply: () => Configuration): Configuration
}

export interface MeasuresOptions extends Pick<OwnFacts & MeshFacts, 'connected' | 'expiries'> {
  readonly registry?: Registry
  readonly clock: Clock
  readonly watches: { readonly [Name in 'services' | 'virtualServices']: Pick<Watches[Name], 'list'> }
}

export function createMeasures({ registry = new Registry(), clock, watches, ...rest }: MeasuresOptions): Measures {
  const facts = { ...rest, ...factsOf(watches), nowMs: clock.now }
  const metrics = createMetrics(registry, facts)
  const istio = createIstioMetrics(registry, facts)
  const convergence = createConvergence(clock, istio.converged)
  const reasons = new Set<PushReason>()
  return {
    metrics,
    changed: (reason) => void reasons.add(reason),
    issued: istio.issued,
    issuingFailed: istio.issuingFailed,
    refused: istio.refused,
    disconnected: convergence.disconnected,
    pushed(nodeId, type, bytes) {
      metrics.pushed(type)
      istio.pushed(type, bytes)
      convergence.pushed(nodeId, type)
    },
    received(nodeId, event) {
      if (event.kind === 'accepted') metrics.accepted(event.type)
      else if (event.kind === 'rejected') {
        metrics.rejected(event.type)
        istio.rejected(event.type)
      } else return
      convergence.answered(nodeId, event.type)
    },
    build(last, waitedMs, apply) {
      const sinceMs = clock.monotonic() - waitedMs
      const end = metrics.build.startTimer()
      const built = apply()
      end()
      istio.debounced(waitedMs)
      for (const reason of reasons) istio.triggered(reason)
      reasons.clear()
      convergence.changed(changedNodes(last, built), sinceMs)
      return built
    },
  }
}

const factsOf = ({ services, virtualServices }: MeasuresOptions['watches']) => ({
  services: () => services.list().length,
  virtualServices: () => virtualServices.list().length,
  routeReasons: () => virtualServices.list().map((object) => conditionOf(object)?.reason ?? 'Pending'),
})

const changedNodes = (last: Configuration, built: Configuration): readonly string[] =>
  [...built.snapshots].filter(([nodeId, snapshot]) => last.snapshots.get(nodeId) !== snapshot).map(([nodeId]) => nodeId)
