/**
 * The address that connections to the program come from: the rules of the pod let them pass, where another of the
 * proxy's own connections to the pod would come in anew. Istio's.
 */
const exemptSource = '127.0.0.6'

/** Fields of a cluster that leads to the program beside the proxy. */
export const interceptionExempt = {
  upstreamBindConfig: {
    sourceAddress: { address: exemptSource, portSpecifier: { case: 'portValue' as const, value: 0 } },
  },
}
