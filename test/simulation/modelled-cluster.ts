import {
  type Deployment,
  deploymentKind,
  type EndpointSlice,
  endpointSliceKind,
  type Service,
  serviceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../src/api/index.ts'
import type { Random } from '../../src/cli/simulate/random.ts'
import type { KubeClient } from '../../src/kube/index.ts'
import type { MemoryApi } from '../support/memory-api.ts'
import { runWorkloads } from '../support/run-workloads.ts'
import type { SimulatedTime } from './simulated-time.ts'

/** What is true of an image, whatever anybody believes. */
export interface Version {
  readonly image: string
  /** How long its pods take to be ready; Infinity for one that never is. */
  readonly startsInMs: number
  readonly verdict: 'passed' | 'failed' | 'no-data'
}

export interface ModelledCluster {
  readonly versions: Map<string, Version>
  isMeshUp: boolean
  /** Takes every pod of a Deployment down, and up again after the time. */
  loseThePodsOf(name: string, forMs: number): Promise<void>
  /** Starts pods again that did not start, as a kubelet does after its back-off. */
  restartThePodsOf(name: string): Promise<void>
  /** From now on pods can be listed, as statuses count them: only the end of a Canary asks for them. */
  listPods(): void
}

interface Model {
  readonly api: MemoryApi
  readonly time: SimulatedTime
  readonly random: Random
  readonly world: KubeClient
  readonly cluster: ModelledCluster
  /** Deployments whose pods are down. */
  readonly down: Set<string>
}

/** Deployments, endpoints and a mesh as a cluster has them: each follows what was written, after a while. */
export function createModelledCluster(api: MemoryApi, time: SimulatedTime, random: Random): ModelledCluster {
  const cluster: ModelledCluster = {
    versions: new Map(),
    isMeshUp: true,
    async loseThePodsOf(name, forMs) {
      const led = await leadsTo(model, name)
      for (const each of [name, led]) down.add(each)
      await settle(name)
      await time.sleep(forMs)
      for (const each of [name, led]) down.delete(each)
      await settle(name)
    },
    restartThePodsOf: (name) => settle(name),
    listPods() {
      let running = runWorkloads(model.world, 'default')
      api.onWrite((plural) => {
        if (plural === 'deployments') running = running.then(() => runWorkloads(model.world, 'default'))
      })
    },
  }
  const down = new Set<string>()
  const model: Model = { api, time, random, world: api.client('world'), cluster, down }
  const settle = async (name: string): Promise<void> => {
    await Promise.all([
      rollOut(model, name),
      ...['web', 'web-primary', 'web-canary'].map((each) => follow(model, each)),
    ])
  }
  api.onWrite((plural, object) => {
    const { name } = object.metadata
    if (plural === 'deployments') void rollOut(model, name)
    if (plural === 'services') void follow(model, name)
    if (plural === 'virtualservices') void acknowledge(model)
  })
  return cluster
}

/** First the new pods are there, then they are ready; those of before stay until then. */
async function rollOut(model: Model, name: string): Promise<void> {
  const { time, random } = model
  await time.sleep(50 + random() * 200)
  const seen = await readDeployment(model, name)
  if (seen === undefined) return
  const { replicas = 1 } = seen.spec
  const { readyReplicas: former = 0, observedGeneration } = seen.status ?? {}
  const isDown = model.down.has(name)
  const isNew = observedGeneration !== seen.metadata.generation
  if (replicas === 0 || isDown) return writeStatus(model, seen, { ready: 0, all: replicas })
  if (isNew) await writeStatus(model, seen, { ready: Math.min(former, replicas), all: replicas + Math.min(former, 1) })
  const version = model.cluster.versions.get(imageOf(seen) ?? '')
  if (version === undefined || version.startsInMs === Number.POSITIVE_INFINITY) return
  await time.sleep(version.startsInMs * (0.5 + random()))
  const current = await readDeployment(model, name)
  if (current?.metadata.generation !== seen.metadata.generation || model.down.has(name)) return
  await writeStatus(model, current, { ready: replicas, all: replicas })
}

const readDeployment = ({ world }: Model, name: string): Promise<Deployment | undefined> =>
  world.get(deploymentKind, { namespace: 'default', name })

async function writeStatus(
  { world }: Model,
  deployment: Deployment | undefined,
  { ready, all }: { readonly ready: number; readonly all: number },
): Promise<void> {
  if (deployment === undefined) return
  const status = {
    observedGeneration: deployment.metadata.generation ?? 1,
    replicas: all,
    updatedReplicas: deployment.spec.replicas ?? 1,
    readyReplicas: ready,
    availableReplicas: ready,
  }
  if (JSON.stringify(status) === JSON.stringify(deployment.status)) return
  // Overtaken by another write, which has its own turn.
  await world.replace(deploymentKind, { ...deployment, status }, 'status').catch(() => undefined)
}

export const imageOf = ({ spec }: Deployment): string | undefined => spec.template.spec.containers[0]?.image

/** The endpoints of a Service follow its selector; pods that it leads to elsewhere are ready when their version is. */
async function follow(model: Model, name: string): Promise<void> {
  const { world, time, random, cluster, down } = model
  await time.sleep(20 + random() * 500)
  const service = await world.get<Service>(serviceKind, { namespace: 'default', name })
  if (service === undefined) return
  const { selector = {} } = service.spec
  const version = cluster.versions.get(describeSelector(service))
  const ready = version === undefined || (version.startsInMs < Number.POSITIVE_INFINITY && !down.has(version.image))
  const pod = `${selector.app}-5d4f8c7b9-abcde`
  const labels = { ...service.metadata.labels, 'kubernetes.io/service-name': name }
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, namespace: 'default', labels },
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['10.0.0.1'], conditions: { ready }, targetRef: { kind: 'Pod', name: pod, namespace: 'default' } },
    ],
  }
  const existing = await world.get<EndpointSlice>(endpointSliceKind, { namespace: 'default', name: `${name}-1` })
  const next = existing && { ...existing, metadata: { ...existing.metadata, labels }, endpoints: slice.endpoints ?? [] }
  const written = next ? world.replace(endpointSliceKind, next) : world.create(endpointSliceKind, slice)
  // Overtaken by another write of the Service, which has its own turn.
  await written.catch(() => undefined)
}

/** The version of the pods that a Service of this name leads to. */
async function leadsTo({ world }: Model, name: string): Promise<string> {
  const service = await world.get<Service>(serviceKind, { namespace: 'default', name })
  return service === undefined ? '' : describeSelector(service)
}

/** As a run names what it releases of a Service. */
export const describeSelector = ({ spec }: Service): string =>
  Object.entries(spec.selector ?? {})
    .map((pair) => pair.join('='))
    .toSorted()
    .join(',')

/** Proxies take a route once the mesh is there. */
async function acknowledge({ world, time, random, cluster }: Model): Promise<void> {
  await time.sleep(5 + random() * 300)
  while (!cluster.isMeshUp) await time.sleep(1_000)
  const route = await world.get<VirtualService>(virtualServiceKind, { namespace: 'default', name: 'web' })
  const generation = route?.metadata.generation ?? 1
  if (route === undefined || route.status?.conditions?.[0]?.observedGeneration === generation) return
  const condition = {
    type: 'Programmed',
    status: 'True',
    reason: 'Programmed',
    message: '',
    lastTransitionTime: new Date(time.now()).toISOString(),
    observedGeneration: generation,
  } as const
  await world
    .replace(virtualServiceKind, { ...route, status: { conditions: [condition] } }, 'status')
    .catch(() => undefined)
}
