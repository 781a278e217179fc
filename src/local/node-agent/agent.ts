import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type EndpointSlice,
  endpointSliceKind,
  type KubernetesObject,
  type LocalImage,
  localImageKind,
  namespaceKind,
  type Pod,
  podKind,
  type ResourceKind,
  type Service,
  serviceKind,
} from '../../api/index.ts'
import { createEventRecorder, createReflector, type KubeClient, type Reflector } from '../../kube/index.ts'
import { type Clock, type Logger, runTogether, untilAborted } from '../../runtime/index.ts'
import { kubernetesRestartTiming } from './container/restart-delay.ts'
import type { IsolatedNetwork } from './network/isolation.ts'
import { createPodAddressBook } from './network/pod-addresses.ts'
import { createServiceProxy, untilNotListed } from './network/service-proxy.ts'
import type { SidecarOptions } from './pod/envoy-launch.ts'
import type { PodDependencies, PodTiming } from './pod/pod-dependencies.ts'
import { createPodsOfNode, type PodsOfNode } from './pod/pods-of-node.ts'
import { shortDirectory } from './short-directory.ts'
import { sidecarModeOf } from './spec/sidecar-membership.ts'

export interface NodeAgentOptions {
  readonly client: KubeClient
  /** Of the address block, such as `127.64`. */
  readonly prefix: string
  readonly directory: string
  readonly network?: IsolatedNetwork | undefined
  readonly sidecar: SidecarOptions
  /** Resolves when no proxy of the mesh sends to the address any more, or the signal fires; at once when absent. */
  readonly untilProxiesForget?: (address: string, signal: AbortSignal) => Promise<void>
  /** The environment of this process; programs get only a few words of it. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly timing?: Partial<PodTiming>
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
}

export interface ReadLogRequest {
  readonly namespace: string
  readonly pod: string
  readonly container?: string | undefined
  readonly follow?: boolean | undefined
  readonly tailLines?: number | undefined
  readonly previous?: boolean | undefined
}

export interface NodeAgent {
  start(signal: AbortSignal): Promise<void>
  /** Throws when this node has no such container. */
  readLog(request: ReadLogRequest, signal: AbortSignal): AsyncIterable<Buffer>
  /** The gateways that run now. */
  gateways(): readonly { readonly name: string; readonly address: string }[]
}

const defaultTiming: PodTiming = { restart: kubernetesRestartTiming, forgetAtMostMs: 5_000, shutdownGraceMs: 2_000 }

/** Runs every pod of the cluster as processes of this machine, as the only node there is. */
export function createNodeAgent(options: NodeAgentOptions): NodeAgent {
  const { client, clock, log, random } = options
  const reflect = <T extends KubernetesObject>(kind: ResourceKind<T>) =>
    createReflector({ client, kind, clock, log, random })
  const pods = reflect(podKind)
  const services = reflect(serviceKind)
  const images = reflect(localImageKind)
  const namespaces = reflect(namespaceKind)
  const endpointSlices = reflect(endpointSliceKind)
  const reflectors = [pods, services, images, namespaces, endpointSlices] as const
  const serviceProxy = createServiceProxy({ services, endpointSlices, prefix: options.prefix, log })
  let node: PodsOfNode | undefined

  const runPods = async (signal: AbortSignal): Promise<void> => {
    await Promise.race([Promise.all(reflectors.map(({ synced }) => synced)), untilAborted(signal)])
    if (signal.aborted) return
    const dependencies = podDependencies(options, { services, images, endpointSlices })
    for (const pod of pods.list()) dependencies.addresses.remember(pod)
    const modeOf = (pod: Pod) => sidecarModeOf(pod, namespaces.get({ name: pod.metadata.namespace ?? '' }))
    const fleet = createPodsOfNode(dependencies, modeOf, signal)
    node = fleet
    const unsubscribe = [
      pods.onChange((current, previous) => {
        if (previous !== undefined && current?.metadata.uid !== previous.metadata.uid) fleet.gone(previous)
        if (current !== undefined) fleet.seen(current)
      }),
      services.onChange(() => fleet.each((runner) => runner.servicesChanged())),
      images.onChange(() => fleet.each((runner) => runner.imagesChanged())),
    ]
    for (const pod of pods.list()) fleet.seen(pod)
    await untilAborted(signal)
    for (const stop of unsubscribe) stop()
    await fleet.ended()
  }

  return {
    start: (signal) =>
      runTogether(signal, [...reflectors.map((reflector) => reflector.start), serviceProxy.start, runPods]),
    readLog: (request, signal) => readLog(node, request, signal),
    gateways: () => node?.gateways() ?? [],
  }
}

function podDependencies(
  options: NodeAgentOptions,
  seen: {
    readonly services: Reflector<Service>
    readonly images: Reflector<LocalImage>
    readonly endpointSlices: Reflector<EndpointSlice>
  },
): PodDependencies {
  const { client, clock, log, prefix, sidecar } = options
  const directory = join(options.directory, 'pods')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return {
    client,
    clock,
    log,
    sidecar,
    directory,
    services: () => seen.services.list(),
    images: () => seen.images.list(),
    async untilGone(address, signal) {
      await untilNotListed(seen.endpointSlices, address, signal)
      if (!signal.aborted) await options.untilProxiesForget?.(address, signal)
    },
    events: createEventRecorder({ client, component: 'local-node-agent', clock, log }),
    addresses: createPodAddressBook(prefix),
    network: options.network,
    machine: machineEnvironment(options.environment),
    socketDirectory: shortDirectory(join(options.directory, 'run')),
    timing: { ...defaultTiming, ...options.timing },
  }
}

const KEPT = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'] as const

/** The rest of the caller's environment is nobody's business: it may hold credentials. */
const machineEnvironment = (environment: NodeAgentOptions['environment']): Readonly<Record<string, string>> =>
  Object.fromEntries(
    KEPT.flatMap((name) => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )

function readLog(node: PodsOfNode | undefined, request: ReadLogRequest, signal: AbortSignal): AsyncIterable<Buffer> {
  const found = node?.find(request.namespace, request.pod)?.log(request.container)
  if (found !== undefined) return found.read(request, signal)
  const container = request.container === undefined ? '' : ` container "${request.container}" of`
  throw new Error(`there is no log of${container} pod "${request.namespace}/${request.pod}" on this node`)
}
