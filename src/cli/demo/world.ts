import {
  canaryKind,
  type Deployment,
  deploymentKind,
  gatewayKind,
  type KubernetesObject,
  localImageKind,
  type Pod,
  podKind,
  publishedPort,
  type ResourceKind,
} from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../runtime/index.ts'
import { CommandError } from '../exit-codes.ts'

export const namespace = 'default'

const kinds: readonly ResourceKind[] = [deploymentKind, gatewayKind, localImageKind, canaryKind]

/** Applies the objects in order. */
export async function applyAll(client: KubeClient, objects: readonly KubernetesObject[]): Promise<void> {
  for (const object of objects) {
    const kind = kinds.find((each) => each.kind === object.kind)
    if (kind === undefined) throw new Error(`the demo has no kind ${object.kind}`)
    await client.apply(kind, object, { force: true })
  }
}

export interface Wait {
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Looks until there is an answer; a clear error when there is none in time. */
export async function waitFor<T>(
  wait: Wait,
  what: string,
  timeoutMs: number,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = wait.clock.monotonic() + timeoutMs
  while (wait.clock.monotonic() < deadline) {
    wait.signal.throwIfAborted()
    const found = await look()
    if (found !== undefined) return found
    await wait.clock.sleep(100, wait.signal)
  }
  throw new CommandError(`${what} did not happen within ${Math.round(timeoutMs / 1000)} s`)
}

/** Waits until every replica of the newest template is available. */
export function waitUntilAvailable(client: KubeClient, wait: Wait, name: string): Promise<Deployment> {
  return waitFor(wait, `the start of deployment ${name}`, 60_000, async () => {
    const deployment = await client.get(deploymentKind, { namespace, name })
    const status = deployment?.status
    const isAvailable =
      (status?.observedGeneration ?? 0) >= (deployment?.metadata.generation ?? 1) &&
      (status?.availableReplicas ?? 0) >= (deployment?.spec.replicas ?? 1)
    return isAvailable ? deployment : undefined
  })
}

/** The running pods with a label. */
export async function podsWith(client: KubeClient, labelSelector: string): Promise<readonly Pod[]> {
  const { items } = await client.list(podKind, { namespace, labelSelector })
  return items.filter((pod) => pod.metadata.deletionTimestamp === undefined && pod.status?.podIP !== undefined)
}

/** Address of the only pod with a label. */
export async function podAddress(client: KubeClient, labelSelector: string): Promise<string> {
  const [pod] = await podsWith(client, labelSelector)
  const address = pod?.status?.podIP
  if (address === undefined) throw new CommandError(`no pod with ${labelSelector} is running`)
  return address
}

export const gatewayPort = publishedPort(80)

/** A JSON answer of a local address, or undefined when there is none within a second. */
export async function readJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) })
    return response.ok ? await response.json() : undefined
  } catch {
    return undefined
  }
}
