import {
  injectLabel,
  injectNamespaceLabel,
  injectTemplatesAnnotation,
  type Namespace,
  type Pod,
} from '../../../api/index.ts'

/** What runs beside the pod's containers, by Istio's labels: a sidecar, nothing, or only Envoy. */
export type SidecarMode = 'none' | 'sidecar' | 'gateway'

export function sidecarModeOf(pod: Pod, namespace: Namespace | undefined): SidecarMode {
  if (!isInjected(pod, namespace)) return 'none'
  const templates = pod.metadata.annotations?.[injectTemplatesAnnotation]?.split(',').map((each) => each.trim())
  // Its gRPC library is its proxy.
  if (templates?.includes('grpc-agent') === true) return 'none'
  return templates?.includes('gateway') === true ? 'gateway' : 'sidecar'
}

function isInjected(pod: Pod, namespace: Namespace | undefined): boolean {
  const own = pod.metadata.labels?.[injectLabel]
  if (own !== undefined) return own === 'true'
  return namespace?.metadata.labels?.[injectNamespaceLabel] === 'enabled'
}
