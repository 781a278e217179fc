import {
  endpointSliceKind,
  type KubernetesObject,
  type Namespace,
  namespaceKind,
  type Pod,
  podKind,
  publishedPort,
  type ResourceKind,
  type Service,
  serviceKind,
} from '../../src/api/index.ts'
import type { CertificateSettings } from '../../src/mesh/control-plane/index.ts'
import type { Observability } from '../../src/mesh/envoy/index.ts'
import { envoyPath } from './envoy.ts'
import { eventually } from './eventually.ts'
import { claimLoopbackBlock } from './loopback-block.ts'
import { createMemoryApi } from './memory-api.ts'
import { meshPodOf, namespaceOf, type PodOptions, sliceOf } from './mesh-objects.ts'
import { place, type RunningEnvoy, startEnvoy, startMesh, untilEnvoyReady } from './mesh-world.ts'

export interface TrafficPod extends Pick<PodOptions, 'labels' | 'isGateway' | 'port'> {
  readonly name: string
  readonly namespace?: string
  readonly annotations?: Readonly<Record<string, string>>
  /** True for a pod without a proxy. */
  readonly isPlain?: boolean
}

export interface TrafficWorldOptions {
  readonly pods: readonly TrafficPod[]
  /** Services and the pods that they lead to. */
  readonly services: readonly { readonly service: Service; readonly pods: readonly string[] }[]
  readonly namespaces?: readonly Namespace[]
  readonly observability?: (prefix: string) => Observability
  readonly certificates?: CertificateSettings
}

/** Pods with a real Envoy each, every one of which knows every Service. Tests bring the applications. */
export async function startTrafficWorld({
  pods,
  services,
  namespaces = [namespaceOf()],
  observability = () => ({}),
  certificates,
}: TrafficWorldOptions) {
  const block = await claimLoopbackBlock()
  const api = createMemoryApi(Date.now)
  // No two Envoys may listen at one address.
  const addressOf = (pod: string, service: string) => {
    const third = 160 + indexOf(pods, ({ name }) => name === pod)
    return `${block.prefix}.${third}.${indexOf(services, (each) => nameOf(each.service) === service)}`
  }
  const addressesOf = (pod: string) =>
    Object.fromEntries(services.map(({ service }) => [nameOf(service), addressOf(pod, nameOf(service))]))
  const built = new Map(
    pods.map((pod, index) => [
      pod.name,
      podOf(
        pod,
        { ip: `${block.prefix}.1.${index + 1}`, appAddress: `${block.prefix}.64.${index + 1}` },
        addressesOf(pod.name),
      ),
    ]),
  )
  const find = (name: string): Pod => {
    const pod = built.get(name)
    if (pod === undefined) throw new Error(`the world has no pod ${name}`)
    return pod
  }
  const placed = <T extends KubernetesObject>(kind: ResourceKind<T>, object: T): Promise<T> => place(api, kind, object)
  for (const namespace of namespaces) await placed(namespaceKind, namespace)
  for (const pod of built.values()) await placed(podKind, pod)
  const placeSlice = (name: string, podNames: readonly string[]) => {
    const service = services.map((each) => each.service).find((each) => nameOf(each) === name)
    return Promise.all(
      (service?.spec.ports ?? []).map(({ name: port = '', targetPort = 8080 }) => {
        const slice = sliceOf(service?.metadata.name ?? '', podNames.map(find), Number(targetPort))
        const metadata = {
          ...slice.metadata,
          name: `${service?.metadata.name}-${port}`,
          namespace: service?.metadata.namespace ?? '',
        }
        return placed(endpointSliceKind, { ...slice, metadata, ports: [{ name: port, port: Number(targetPort) }] })
      }),
    )
  }
  for (const { service, pods: names } of services) {
    await placed(serviceKind, service)
    await placeSlice(nameOf(service), names)
  }
  const start = () =>
    startMesh({
      api,
      host: `${block.prefix}.0.1`,
      port: 15_010,
      observability: observability(block.prefix),
      ...(certificates === undefined ? {} : { certificates }),
    })
  let mesh = await start()
  const binary = await envoyPath()
  const { xds } = mesh
  const meshed = pods.filter(({ isPlain = false }) => !isPlain)
  const envoys = new Map<string, RunningEnvoy>()
  await Promise.all(
    meshed.map(async ({ name, isGateway = false }) => {
      const envoy = await startEnvoy({ binary, pod: find(name), xds, role: isGateway ? 'gateway' : 'sidecar' })
      envoys.set(name, envoy)
    }),
  )
  await Promise.all([...envoys.values()].map(untilEnvoyReady))

  return {
    api,
    mesh: () => mesh,
    /** Another control plane takes the place of the first. */
    async restartMesh(): Promise<void> {
      await mesh.stop()
      mesh = await start()
    },
    prefix: block.prefix,
    place: placed,
    placeSlice,
    podOf: find,
    /** Where the application of the pod listens. */
    appAddress: (name: string) => find(name).status?.podIP?.replace('.1.', '.64.') ?? '',
    /** Where a pod reaches a Service, by `namespace/name`. */
    url: (pod: string, service: string) => `http://${addressOf(pod, service)}:${publishedPort(80)}`,
    envoy(name: string): RunningEnvoy {
      const envoy = envoys.get(name)
      if (envoy === undefined) throw new Error(`the pod ${name} has no Envoy`)
      return envoy
    },
    async untilConfigured(name: string, pattern: RegExp): Promise<void> {
      const dump = '/config_dump?include_eds'
      await eventually(async () => pattern.test((await envoys.get(name)?.admin(dump)) ?? ''), {
        within: 15_000,
        what: `${name} is configured with ${pattern}`,
      })
    },
    async stop(): Promise<void> {
      await Promise.all([...envoys.values()].map((envoy) => envoy.stop()))
      await mesh.stop()
      await block[Symbol.asyncDispose]()
    },
  }
}

export type TrafficWorld = Awaited<ReturnType<typeof startTrafficWorld>>

const nameOf = ({ metadata }: Service): string => `${metadata.namespace}/${metadata.name}`

const indexOf = <T>(values: readonly T[], is: (value: T) => boolean): number => values.findIndex(is) + 1

function podOf(
  { name, namespace, annotations = {}, isPlain = false, ...options }: TrafficPod,
  addresses: Pick<PodOptions, 'ip' | 'appAddress'>,
  serviceAddresses: Readonly<Record<string, string>>,
): Pod {
  const isGateway = options.isGateway === true
  const { appAddress, ...rest } = addresses
  const pod = meshPodOf(name, {
    workload: name.replace(/-\d+$/, ''),
    ...rest,
    ...(isGateway || appAddress === undefined ? {} : { appAddress, serviceAddresses }),
    ...options,
    isMeshed: !isPlain,
  })
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(namespace === undefined ? {} : { namespace }),
      annotations: { ...pod.metadata.annotations, ...annotations },
    },
  }
}
