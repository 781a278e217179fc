/** Istio's default; part of every identity. */
export const trustDomain = 'cluster.local'

/** The URI that stands in the certificate of every pod of a service account. */
export const spiffeId = (of: { readonly namespace: string; readonly serviceAccount: string }): string =>
  `spiffe://${trustDomain}/ns/${of.namespace}/sa/${of.serviceAccount}`

/** Istio's: policies here count for the whole mesh, and the mesh keeps its own objects here. */
export const rootNamespace = 'istio-system'

/** Who the control plane is to proxies. */
export const controlPlaneIdentity = spiffeId({ namespace: rootNamespace, serviceAccount: 'sluice-mesh' })

/** The ConfigMap in which the mesh publishes the roots that count, and its key. Istio's names. */
export const rootsName = 'istio-ca-root-cert'
export const rootsKey = 'root-cert.pem'
