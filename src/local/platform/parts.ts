import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KubeClient } from '../../kube/index.ts'
import { createPodToken } from '../../mesh/ca/index.ts'
import { renderBootstrap, renderXdsTrust } from '../../mesh/envoy/index.ts'
import { renderInterceptionRules } from '../../mesh/injector/index.ts'
import { controlPlaneIdentity, rootNamespace, rootsKey, rootsName } from '../../mesh/model/index.ts'
import {
  createContainerLog,
  createMeshTrust,
  createNodeAgent,
  type IsolatedNetwork,
  type NodeAgent,
  type PodNetwork,
} from '../node-agent/index.ts'
import { createPrometheus, createTargetWriter, type Prometheus } from '../prometheus/index.ts'
import { createWorkloadControllers } from '../workloads/index.ts'
import { createEndpointDoor } from './endpoint-door.ts'
import type { LocalPlatformOptions } from './options.ts'
import { createSupervisedChild, type SupervisedChild } from './supervised-child.ts'

type Start = (signal: AbortSignal) => Promise<void>

/** Everything beside the API server. */
export interface Parts {
  readonly agent: NodeAgent
  readonly prometheus: Prometheus
  readonly mesh: SupervisedChild
  readonly controller: SupervisedChild
  /** What acts on objects, and stops before what it needs. */
  readonly acting: readonly Start[]
  /** What pods and controller need until they have ended. */
  readonly serving: readonly Start[]
}

export interface PartsOptions extends LocalPlatformOptions {
  /** Of the address block, such as `127.64`. */
  readonly prefix: string
  readonly network?: PodNetwork | undefined
  readonly client: KubeClient
  readonly kubeconfigPath: string
}

const XDS_PORT = 15_010
const PROMETHEUS_PORT = 9_090
const CONTROLLER_PORT = 8_080
const MESH_PORT = 8_081
const DEBUG_PORT = 15_014

/** The node agent looks at programs from outside of their pods: it has no certificate, as a kubelet has none. */
const isolated = (network: PodNetwork, host: string): IsolatedNetwork => ({
  ...network,
  rules: renderInterceptionRules({
    excludeInboundPorts: [],
    excludeOutboundPorts: [],
    excludeOutboundIPRanges: [],
    includeOutboundIPRanges: 'all',
    pastInboundFrom: host,
  }),
})

export async function buildParts(options: PartsOptions): Promise<Parts> {
  const { client, clock, dataDirectory, prefix, tools, environment = process.env, random = Math.random } = options
  const host = `${prefix}.0.1`
  const tokenKey = randomBytes(32).toString('hex')
  const tokenKeyFile = join(dataDirectory, 'xds-token-key')
  await writeFile(tokenKeyFile, `${tokenKey}\n`, { mode: 0o600 })
  const common = (part: string) => ({ client, clock, random, log: options.log.child({ part }) })
  const trust = createMeshTrust({
    ...common('node-agent'),
    configMap: { namespace: rootNamespace, name: rootsName, key: rootsKey },
    directory: join(dataDirectory, 'mesh-trust'),
    identity: controlPlaneIdentity,
    renderTrust: renderXdsTrust,
  })
  const agent = createNodeAgent({
    ...common('node-agent'),
    ...{ prefix, directory: dataDirectory },
    network: options.network && isolated(options.network, host),
    sidecar: {
      envoy: tools.envoy,
      xds: { address: host, port: XDS_PORT },
      tokenFor: (pod) => createPodToken(tokenKey, pod),
      trust,
      renderBootstrap,
    },
    ...{ environment, untilProxiesForget: createEndpointDoor(`http://${host}:${DEBUG_PORT}`, clock) },
    ...(options.timing === undefined ? {} : { timing: options.timing }),
  })
  const prometheus = createPrometheus({
    ...common('prometheus'),
    binary: tools.prometheus,
    directory: join(dataDirectory, 'prometheus'),
    host,
    port: PROMETHEUS_PORT,
    processes: { 'sluice-controller': `${host}:${CONTROLLER_PORT}`, 'sluice-mesh': `${host}:${MESH_PORT}` },
  })
  const mesh = createProcess(options, 'mesh', `${host}:${MESH_PORT}`, [
    ...['--xds-listen', `${host}:${XDS_PORT}`, '--xds-token-key-file', tokenKeyFile],
    ...['--debug-listen', `${host}:${DEBUG_PORT}`],
  ])
  const controller = createProcess(options, 'controller', `${host}:${CONTROLLER_PORT}`, [
    ...['--metrics-server', prometheus.url],
    ...['--mesh-provider', 'mesh'],
    ...['--config-tracking', 'all'],
    ...['--scrape-interval', '1s', '--guard-interval', '1s'],
  ])
  const workloads = createWorkloadControllers(common('workloads'))
  const targets = createTargetWriter({ ...common('prometheus'), prometheus })
  return {
    agent,
    prometheus,
    mesh,
    controller,
    acting: [controller.start, workloads.start, targets.start, agent.start],
    serving: [mesh.start, prometheus.start, trust.start],
  }
}

/** One of our own processes, with its probes at an address of the block. */
function createProcess(
  options: PartsOptions,
  name: 'mesh' | 'controller',
  listen: string,
  flags: readonly string[],
): SupervisedChild {
  const { clock, log, dataDirectory, children, environment = process.env, random = Math.random } = options
  const output = join(dataDirectory, 'processes', name)
  return createSupervisedChild({
    name: `sluice ${name}`,
    argv: [...children[name], '--kubeconfig', options.kubeconfigPath, '--listen', listen, ...flags],
    env: environment,
    output: createContainerLog(output),
    outputPath: join(output, 'current.log'),
    isReady: (signal) => answersReady(`http://${listen}/readyz`, signal),
    clock,
    log: log.child({ part: name }),
    random,
  })
}

async function answersReady(url: string, signal: AbortSignal): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(1_000)]) })
  await response.arrayBuffer()
  return response.ok
}
