import {
  type Canary,
  type CanaryRun,
  canaryKind,
  canaryRunKind,
  deploymentKind,
  type KubernetesObject,
  type VirtualService,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { canary, gateway, images, web } from '../../src/cli/demo/manifests.ts'
import { applyAll, namespace, podAddress, type Wait, waitFor, waitUntilAvailable } from '../../src/cli/demo/world.ts'
import type { KubeClient } from '../../src/kube/index.ts'

const ref = { namespace, name: 'web' }
const STEP = { mirror: false, stepWeights: [50], interval: '10s', threshold: 1 }

/** The demo's service behind its gateway; half of the requests go to a new version at once. Returns the gateway's address. */
export async function startService(client: KubeClient, wait: Wait): Promise<string> {
  await applyAll(client, [...images, ...gateway, web('1.0.0'), benchCanary(true)])
  await waitForPhase(client, wait, 'Initialized')
  await waitUntilAvailable(client, wait, 'ingressgateway')
  return podAddress(client, 'istio=ingressgateway')
}

const benchCanary = (isGuarded: boolean): KubernetesObject => {
  const { spec, ...rest } = canary as Canary
  const metrics = [{ name: 'request-success-rate', thresholdRange: { min: 99 } }]
  const analysis = { ...STEP, metrics, guard: { enabled: isGuarded } }
  return { ...rest, ...{ spec: { ...spec, progressDeadlineSeconds: 120, analysis } } }
}

export async function release(client: KubeClient, version: string, isGuarded: boolean): Promise<void> {
  await applyAll(client, [benchCanary(isGuarded)])
  const containers = [{ name: 'web', image: `demo/web:${version}` }]
  await client.patch(deploymentKind, ref, { spec: { template: { spec: { containers } } } }, { type: 'strategic' })
}

export const waitForPhase = (client: KubeClient, wait: Wait, phase: string): Promise<Canary> =>
  waitFor(wait, `phase ${phase}`, 120_000, async () => {
    const current = await client.get(canaryKind, ref)
    return current?.status?.phase === phase ? current : undefined
  })

/** The run of a version once it has failed. */
export const waitForFailure = (client: KubeClient, wait: Wait, version: string): Promise<CanaryRun> =>
  waitFor(wait, `the end of ${version}`, 120_000, async () => {
    const { items } = await client.list(canaryRunKind, { namespace })
    const run = items.find(({ spec }) => spec.images.some((image) => image.endsWith(`:${version}`)))
    return run?.status?.phase === 'Failed' ? run : undefined
  })

/** Tells when every Envoy has acknowledged a weight of the new version; it comes by a watch. Ends with the signal. */
export async function watchWeights(
  client: KubeClient,
  onAcknowledged: (weight: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { resourceVersion } = await client.list(virtualServiceKind, { namespace })
  for await (const event of client.watch(virtualServiceKind, { namespace, resourceVersion }, signal)) {
    if (event.type !== 'MODIFIED' || !isAcknowledged(event.object)) continue
    onAcknowledged(event.object.spec.http?.at(-1)?.route?.[1]?.weight ?? 0)
  }
}

const isAcknowledged = ({ metadata, status }: VirtualService): boolean =>
  status?.conditions?.some(
    ({ type, status, observedGeneration }) =>
      type === 'Programmed' && status === 'True' && observedGeneration === metadata.generation,
  ) === true
