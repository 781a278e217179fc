import {
  injectLabel,
  injectNamespaceLabel,
  injectTemplatesAnnotation,
  type Namespace,
  type Pod,
} from '../../api/index.ts'
import type { WorkloadIdentity } from '../model/index.ts'

export const namespaceOf = (object: { readonly metadata: { readonly namespace?: string } }): string =>
  object.metadata.namespace ?? 'default'

/** Who the pod is in metrics, by the labels that Istio reads. */
export function workloadOf(pod: Pod): WorkloadIdentity {
  const labels = pod.metadata.labels ?? {}
  const workload = workloadName(pod)
  return {
    workload,
    namespace: namespaceOf(pod),
    app: labels.app ?? 'unknown',
    version: labels.version ?? 'unknown',
    canonicalService:
      labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? workload,
    canonicalRevision:
      labels['service.istio.io/canonical-revision'] ??
      labels['app.kubernetes.io/version'] ??
      labels.version ??
      'latest',
    serviceAccount: pod.spec.serviceAccountName ?? 'default',
  }
}

/** A ReplicaSet is named after its Deployment, a dash and the pod template's hash. */
function workloadName(pod: Pod): string {
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller !== false)
  if (owner === undefined) return pod.metadata.name
  const hash = pod.metadata.labels?.['pod-template-hash']
  const suffix = `-${hash ?? ''}`
  return owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(suffix)
    ? owner.name.slice(0, -suffix.length)
    : owner.name
}

/** The pod's own label decides; without one its namespace's does. */
export function isMeshed(pod: Pod, namespace: Namespace | undefined): boolean {
  const own = pod.metadata.labels?.[injectLabel]
  if (own !== undefined) return own === 'true'
  return namespace?.metadata.labels?.[injectNamespaceLabel] === 'enabled'
}

export const isGateway = (pod: Pod): boolean => pod.metadata.annotations?.[injectTemplatesAnnotation] === 'gateway'

/** Without an Envoy: its gRPC library asks the control plane itself. Istio's name of the template. */
export const isProxyless = (pod: Pod): boolean => pod.metadata.annotations?.[injectTemplatesAnnotation] === 'grpc-agent'

/** An empty selector of a Service selects nothing; one of a Gateway selects all. */
export function labelsContain(
  labels: Readonly<Record<string, string>> | undefined,
  selector: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([key, value]) => labels?.[key] === value)
}
