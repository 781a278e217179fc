import type { Sidecar } from '../../api/index.ts'
import { findOrMake } from '../../base/index.ts'
import type { Finding, ObjectKey } from '../model/index.ts'
import { createEgress, type Egress } from './egress.ts'
import { byAge, keyOf } from './object-key.ts'
import { readSpec } from './read-spec.ts'
import type { RegisteredService } from './registry.ts'
import { protocolNamed } from './supported-port.ts'
import { type IngressSpec, type SidecarSpec, sidecarSpec } from './supported-sidecar.ts'
import { isExportedTo, rootNamespace } from './visibility.ts'
import { labelsContain, namespaceOf } from './workload.ts'

export interface SidecarRules {
  readonly key: ObjectKey
  readonly namespace: string
  readonly spec: SidecarSpec
}

export interface Sidecars {
  readonly findings: readonly Finding[]
  /** The one that counts for a workload: of its labels, else of its namespace, else of the whole mesh. */
  of(workload: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }): SidecarScope
}

/** What a Sidecar leaves of the mesh. */
export interface SidecarScope {
  /** Equal keys, one object. Empty when nothing is left out. */
  readonly key: string
  readonly egress: Egress
  readonly unknownHosts: 'passthrough' | 'refuse'
  /** The listeners that others reach the workload by; those that are found out by themselves when empty. */
  readonly ingress: readonly IngressSpec[]
  /** The Sidecar that names them; absent where there is none. */
  readonly origin?: ObjectKey
}

const everything: Egress = { reaches: () => true, left: (service) => [service], placed: [], idle: () => [] }

const unscoped: SidecarScope = { key: '', egress: everything, unknownHosts: 'passthrough', ingress: [] }

export function readSidecars(objects: readonly Sidecar[], services: readonly RegisteredService[]): Sidecars {
  const rules: SidecarRules[] = []
  const findings: Finding[] = []
  for (const object of objects.toSorted(byAge)) {
    const read = readSpec(sidecarSpec, object.spec)
    if (read.ok) {
      const found = { key: keyOf(object), namespace: namespaceOf(object), spec: read.value }
      rules.push(found)
      findings.push(...idlePorts(found, services))
    } else findings.push({ object: keyOf(object), reason: 'Invalid', message: read.error })
  }
  const scopes = new Map<string, SidecarScope>()
  return {
    findings,
    of({ namespace, labels }) {
      const own = rules.filter((candidate) => candidate.namespace === namespace)
      const ofLabels = own.find(
        ({ spec }) => spec.workloadSelector && labelsContain(labels, spec.workloadSelector.labels),
      )
      const ofNamespace = own.find(({ spec }) => spec.workloadSelector === undefined)
      const ofMesh = rules.find(
        (candidate) => candidate.namespace === rootNamespace && !candidate.spec.workloadSelector,
      )
      const scope = scopeOf([ofLabels, ofNamespace, ofMesh].filter((each) => each !== undefined))
      return findOrMake(scopes, scope.key, () => scope)
    },
  }
}

/** A port that no Service has leads nowhere: most likely it is not what was meant. */
function idlePorts({ key, namespace, spec }: SidecarRules, services: readonly RegisteredService[]): readonly Finding[] {
  const { egress = [] } = spec
  const isSeen = ({ identity, exportTo }: RegisteredService) =>
    namespace === rootNamespace || isExportedTo({ namespace: identity.namespace, exportTo }, namespace)
  const idle = createEgress(egress, namespace).idle(services.filter(isSeen))
  const messages = idle.map((index) => {
    const { number = 0, protocol = 'TCP' } = egress[index]?.port ?? {}
    const spoken = protocolNamed(protocol) === 'tcp' ? 'TCP' : 'HTTP'
    return `spec.egress[${index}].port: no Service of its hosts has a port ${number} for ${spoken}, so nothing is reached by it`
  })
  return messages.length === 0 ? [] : [{ object: key, reason: 'DestinationNotFound', message: messages.join('; ') }]
}

/** The first counts; when it says nothing of egress, the next that does is asked. */
function scopeOf(candidates: readonly SidecarRules[]): SidecarScope {
  const [first] = candidates
  if (first === undefined) return unscoped
  const egress = candidates.find(({ spec }) => spec.egress !== undefined)
  return {
    key: `${first.namespace}/${first.key.name}`,
    egress: egress?.spec.egress === undefined ? everything : createEgress(egress.spec.egress, egress.namespace),
    unknownHosts: first.spec.outboundTrafficPolicy?.mode === 'REGISTRY_ONLY' ? 'refuse' : 'passthrough',
    ingress: first.spec.ingress,
    origin: first.key,
  }
}
