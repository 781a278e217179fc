import { type Lease, leaseKind } from '../api/index.ts'
import type { KubeClient } from '../kube/index.ts'

const NAME = 'flagger-leader-election'
const DEFAULT_SECONDS = 60

/**
 * Whose lease Flagger holds in a namespace, as `holder (namespace/name)`; undefined when it holds none that is live. A
 * Flagger that runs without leader election has no lease and can not be seen.
 */
export async function findFlaggerLease(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  nowMs: number,
): Promise<string | undefined> {
  const lease = await client.get<Lease>(leaseKind, { namespace, name: NAME })
  const { holderIdentity = '', renewTime = '', leaseDurationSeconds = DEFAULT_SECONDS } = lease?.spec ?? {}
  const isLive = Date.parse(renewTime) + leaseDurationSeconds * 1_000 > nowMs
  return holderIdentity !== '' && isLive ? `${holderIdentity} (${namespace}/${NAME})` : undefined
}
