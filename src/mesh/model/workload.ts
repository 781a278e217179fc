/** What a port speaks; `http2` includes gRPC. */
export type Protocol = 'http' | 'http2' | 'tcp'

/** Who a pod is, in the words of Istio's metric labels. */
export interface WorkloadIdentity {
  readonly workload: string
  readonly namespace: string
  readonly app: string
  readonly version: string
  readonly canonicalService: string
  readonly canonicalRevision: string
  readonly serviceAccount: string
}

export interface ServiceIdentity {
  readonly namespace: string
  readonly name: string
  /** The full name: `web.shop.svc.cluster.local`. */
  readonly host: string
}

export const unknownWorkload: WorkloadIdentity = {
  workload: 'unknown',
  namespace: 'unknown',
  app: 'unknown',
  version: 'unknown',
  canonicalService: 'unknown',
  canonicalRevision: 'unknown',
  serviceAccount: 'unknown',
}
