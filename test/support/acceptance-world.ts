import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { parse } from 'yaml'
import {
  type DestinationRule,
  destinationRuleKind,
  endpointSliceKind,
  namespaceKind,
  podKind,
  publishedPort,
  serviceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { envoyPath } from './envoy.ts'
import { eventually } from './eventually.ts'
import { claimLoopbackBlock } from './loopback-block.ts'
import { createMemoryApi } from './memory-api.ts'
import {
  destinationRuleOf,
  meshPodOf,
  namespaceName,
  namespaceOf,
  type PodOptions,
  serviceOf,
  sliceOf,
} from './mesh-objects.ts'
import {
  type Backend,
  place,
  type RunningEnvoy,
  readVirtualService,
  startBackend,
  startEnvoy,
  startMesh,
  untilEnvoyReady,
} from './mesh-world.ts'

const services = ['reviews', 'httpbin', 'ratings', 'order-service'] as const
const folder = join(import.meta.dirname, '../mesh/acceptance')

/** A configuration as it is printed, in the namespace of the test. */
export async function readAcceptance<T extends VirtualService | DestinationRule>(file: string): Promise<T> {
  const object = parse(await readFile(join(folder, `${file}.yaml`), 'utf8')) as T
  const metadata = { namespace: namespaceName, uid: `uid-${file}`, generation: 1, ...object.metadata }
  return { ...object, metadata }
}

/** What several configurations route to and leave for others to define. */
export const versionsOf = (name: string): DestinationRule =>
  destinationRuleOf(`${name}-versions`, {
    host: name,
    subsets: [
      { name: 'v1', labels: { version: 'v1' } },
      { name: 'v2', labels: { version: 'v2' } },
    ],
  })

/** A client, two pods of v1 and one of v2 with real Envoys; every Service leads to all three. */
export async function startAcceptanceWorld(
  localities: { readonly client?: string; readonly servers?: readonly string[] } = {},
) {
  const block = await claimLoopbackBlock()
  const api = createMemoryApi(Date.now)
  const urls = Object.fromEntries(
    services.map((name, index) => [name, `http://${block.prefix}.160.${index + 1}:${publishedPort(80)}`]),
  ) as Record<(typeof services)[number], string>
  const serviceAddresses = Object.fromEntries(
    services.map((name, index) => [`${namespaceName}/${name}`, `${block.prefix}.160.${index + 1}`]),
  )
  const podOf = (name: string, index: number, options: Pick<PodOptions, 'labels' | 'serviceAddresses'>) =>
    meshPodOf(name, {
      workload: name.split('-')[0] ?? name,
      ip: `${block.prefix}.1.${index}`,
      appAddress: `${block.prefix}.64.${index}`,
      ...options,
    })
  const runsAt = (locality: string | undefined) => (locality === undefined ? {} : { 'istio-locality': locality })
  const client = podOf('client-0', 1, { serviceAddresses, labels: runsAt(localities.client) })
  const servers = ['v1', 'v1', 'v2'].map((version, index) =>
    podOf(`app-${index}`, index + 2, { labels: { version, ...runsAt(localities.servers?.[index]) } }),
  )
  await place(api, namespaceKind, namespaceOf())
  for (const pod of [client, ...servers]) await place(api, podKind, pod)
  for (const name of services) {
    await place(api, serviceKind, serviceOf(name))
    await place(api, endpointSliceKind, sliceOf(name, servers))
  }
  const mesh = await startMesh({ api, host: `${block.prefix}.0.1`, port: 15_010 })
  const binary = await envoyPath()
  const { xds } = mesh
  const envoys = await Promise.all([client, ...servers].map((pod) => startEnvoy({ binary, pod, xds })))
  const backends = await Promise.all(
    ['v1-a', 'v1-b', 'v2'].map((name, index) => startBackend(name, `${block.prefix}.64.${index + 2}`)),
  )
  await Promise.all(envoys.map(untilEnvoyReady))
  const [clientEnvoy] = envoys as [RunningEnvoy]
  const kubernetes = api.client('test')

  return {
    urls,
    pods: servers,
    client: clientEnvoy,
    apps: backends as [Backend, Backend, Backend],
    placeSlice: (name: string, pods: typeof servers) => place(api, endpointSliceKind, sliceOf(name, pods)),
    placeService: (name: string, annotations: Readonly<Record<string, string>>) =>
      place(api, serviceKind, serviceOf(name, { metadata: { annotations } })),
    placeRule: (rule: DestinationRule) => place(api, destinationRuleKind, rule),
    /** Returns when the mesh says that the proxies have the routes. */
    async placeRoutes(routes: VirtualService): Promise<void> {
      await place(api, virtualServiceKind, routes)
      const { name, namespace = namespaceName } = routes.metadata
      await eventually(
        () => {
          const object = readVirtualService(api, name, namespace)
          const condition = object?.status?.conditions?.find(({ type }) => type === 'Programmed')
          expect(condition).toMatchObject({ reason: 'Programmed', observedGeneration: object?.metadata.generation })
        },
        { within: 15_000, what: `${name} is programmed` },
      )
    },
    /** Returns when the client's proxy has a cluster that reads like this. */
    async untilCluster(line: RegExp): Promise<void> {
      await eventually(async () => expect(await clientEnvoy.admin('/clusters')).toMatch(line))
    },
    /** What Envoy counts of each endpoint of a cluster, summed. */
    async countOf(cluster: string, counter: 'cx_total' | 'cx_active' | 'rq_total'): Promise<number> {
      const lines = (await clientEnvoy.admin('/clusters')).split('\n').map((line) => line.split('::'))
      const values = lines.filter(([name, , key]) => name === cluster && key === counter).map(([, , , value]) => value)
      return values.reduce((sum, value) => sum + Number(value), 0)
    },
    /** The cluster as the client's proxy has it. */
    async configurationOf(cluster: string): Promise<Record<string, unknown>> {
      const dump = await clientEnvoy.admin('/config_dump?resource=dynamic_active_clusters')
      const { configs } = JSON.parse(dump) as { configs: { cluster: Record<string, unknown> }[] }
      return configs.find((each) => each.cluster.name === cluster)?.cluster ?? {}
    },
    /** Takes every rule and route away and lets the applications answer as at the start. */
    async reset(): Promise<void> {
      for (const object of api.list(virtualServiceKind)) await kubernetes.delete(virtualServiceKind, object.metadata)
      for (const object of api.list(destinationRuleKind)) await kubernetes.delete(destinationRuleKind, object.metadata)
      for (const { behaviour, requests } of backends) {
        Object.assign(behaviour, { status: 200, delayMs: 0, hangs: false, failures: 0 })
        requests.length = 0
      }
      await eventually(async () => {
        expect(await clientEnvoy.admin('/clusters')).not.toMatch(
          /^outbound\|80\|v|^outbound.*default_priority::max_connections::(?!4294967295)/m,
        )
      })
    },
    async stop(): Promise<void> {
      await Promise.all(envoys.map((envoy) => envoy.stop()))
      await mesh.stop()
      await Promise.all(backends.map((backend) => backend.stop()))
      await block[Symbol.asyncDispose]()
    },
  }
}

export type AcceptanceWorld = Awaited<ReturnType<typeof startAcceptanceWorld>>
