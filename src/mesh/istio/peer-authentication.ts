import type { PeerAuthentication, Pod } from '../../api/index.ts'
import { type Finding, type MutualTls, rootNamespace } from '../model/index.ts'
import { byAge, keyOf } from './object-key.ts'
import { readSpec } from './read-spec.ts'
import { hasLabels, type PeerAuthenticationSpec, peerAuthenticationSpec } from './supported-security.ts'
import { labelsContain, namespaceOf } from './workload.ts'

export interface PeerAuthentications {
  /** Of a port of the pod itself, not of a Service. */
  mutualTlsOf(pod: Pod, port: number): MutualTls
  readonly findings: readonly Finding[]
}

interface Policy {
  readonly namespace: string
  readonly spec: PeerAuthenticationSpec
}

type Mode = PeerAuthenticationSpec['portLevelMtls'][string]['mode']

/** The workload's port, the workload, its namespace, the mesh: the first that says something counts; of several the oldest. */
export function readPeerAuthentications(objects: readonly PeerAuthentication[]): PeerAuthentications {
  const policies: Policy[] = []
  const findings: Finding[] = []
  for (const object of objects.toSorted(byAge)) {
    const read = readSpec(peerAuthenticationSpec, object.spec)
    if (read.ok) policies.push({ namespace: namespaceOf(object), spec: read.value })
    else findings.push({ object: keyOf(object), reason: 'Invalid', message: read.error })
  }
  const wide = policies.filter(({ spec }) => !hasLabels(spec.selector))
  const ofWorkloads = policies.filter(({ spec }) => hasLabels(spec.selector))
  const wideMode = (namespace: string): Mode | undefined =>
    wide.find((policy) => policy.namespace === namespace)?.spec.mtls?.mode
  return {
    findings,
    mutualTlsOf(pod, port) {
      const namespace = namespaceOf(pod)
      const own = ofWorkloads.find(
        ({ spec, ...policy }) =>
          policy.namespace === namespace && labelsContain(pod.metadata.labels, spec.selector?.matchLabels ?? {}),
      )?.spec
      const said = [own?.portLevelMtls[port]?.mode, own?.mtls?.mode, wideMode(namespace), wideMode(rootNamespace)]
      return mutualTls[said.find((mode) => mode !== undefined && mode !== 'UNSET') ?? 'UNSET']
    },
  }
}

const mutualTls = { UNSET: 'permissive', PERMISSIVE: 'permissive', STRICT: 'strict', DISABLE: 'disable' } as const
