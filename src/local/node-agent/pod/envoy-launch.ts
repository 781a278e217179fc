import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isShared, metricsPort, type Pod } from '../../../api/index.ts'
import { failure, type Result, success } from '../../../base/index.ts'
import { proxyUser } from '../../../mesh/injector/index.ts'
import { nodeId } from '../../../mesh/model/index.ts'
import { messageOf } from '../../../runtime/index.ts'
import type { Launch, Obstacle } from '../container/container.ts'
import type { Inside } from '../probe/checks.ts'
import type { ProbeResult } from '../probe/probe-state.ts'
import type { ProbePlan } from '../probe/prober.ts'
import type { SidecarMode } from '../spec/sidecar-membership.ts'
import type { MeshTrust, TrustFiles } from './mesh-trust.ts'
import type { ProxyAdministration } from './proxy-administration.ts'

/** What an Envoy is told at its start; everything else comes from the mesh. */
export interface BootstrapFacts {
  readonly nodeId: string
  /** `app.namespace`: a name for people. */
  readonly nodeCluster: string
  readonly xds: XdsAddress & { readonly token: string; readonly trust?: TrustFiles }
  readonly metrics: { readonly address: string; readonly port: number }
  readonly adminSocketPath: string
}

export interface XdsAddress {
  readonly address: string
  readonly port: number
}

export interface SidecarOptions {
  /** Path of the Envoy binary. */
  readonly envoy: string
  readonly xds: XdsAddress
  /** Proves to the mesh which pod a proxy belongs to. */
  readonly tokenFor: (pod: { readonly namespace: string; readonly pod: string }) => string
  /** Absent where the mesh is believed without a certificate. */
  readonly trust?: Pick<MeshTrust, 'files'>
  readonly renderBootstrap: (facts: BootstrapFacts) => string
}

export interface EnvoyPlace {
  readonly directory: string
  /** Of its own, since a socket's path may have only 107 bytes. */
  readonly adminSocket: string
  readonly administration: ProxyAdministration
}

/** Writes the bootstrap of a pod's Envoy and says how to start it. */
export async function prepareEnvoy(
  options: SidecarOptions,
  pod: Pod,
  mode: SidecarMode,
  { podIP, place, inside }: { readonly podIP: string; readonly place: EnvoyPlace; readonly inside: Inside },
): Promise<Result<Launch, Obstacle>> {
  const trust = options.trust?.files()
  if (options.trust !== undefined && trust === undefined) return failure(waitingForMesh)
  const { adminSocket, directory, administration } = place
  const bootstrap = join(directory, 'envoy.json')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await rm(adminSocket, { force: true })
  const facts = {
    nodeId: nodeIdOf(pod, mode, podIP),
    nodeCluster: clusterOf(pod),
    xds: { ...options.xds, token: tokenOf(options, pod), ...(trust === undefined ? {} : { trust }) },
    metrics: { address: podIP, port: metricsPort },
    adminSocketPath: adminSocket,
  }
  // It carries the pod's token.
  await writeFile(bootstrap, options.renderBootstrap(facts), { mode: 0o600 })
  await chmod(bootstrap, 0o600)
  const argv = [
    options.envoy,
    '-c',
    bootstrap,
    // The second Envoy of a host exits without it.
    '--disable-hot-restart',
    // A changed policy counts for connections that are there already: each answers once more, and closes.
    '--drain-strategy',
    'immediate',
    '--drain-time-s',
    '30',
    '--concurrency',
    '1',
    '--log-level',
    'warning',
  ]
  return success({
    // Rules of pods know the proxy by its user.
    argv: mode === 'sidecar' ? inside(argv, proxyUser) : inside(argv),
    // What runs it is looked up there.
    env: isShared(podIP) ? {} : { PATH: process.env.PATH ?? '' },
    cwd: directory,
    imageID: '',
    readiness: envoyReadiness(administration),
  })
}

const waitingForMesh: Obstacle = {
  reason: 'WaitingForMesh',
  message: 'the mesh has not published its roots yet; `sluice mesh` does when it starts',
}

const tokenOf = ({ tokenFor }: SidecarOptions, { metadata }: Pod): string =>
  tokenFor({ namespace: metadata.namespace ?? 'default', pod: metadata.name })

const nodeIdOf = ({ metadata }: Pod, mode: SidecarMode, podIP: string): string =>
  nodeId({
    role: mode === 'gateway' ? 'gateway' : 'sidecar',
    address: podIP,
    pod: metadata.name,
    namespace: metadata.namespace ?? 'default',
  })

const clusterOf = ({ metadata }: Pod): string =>
  `${metadata.labels?.app ?? metadata.name}.${metadata.namespace ?? 'default'}`

/** Patient: on a busy machine a proxy is late, and a pod taken out for that leaves its service without any. */
const envoyReadiness = (proxy: ProxyAdministration): ProbePlan => ({
  timing: { initialDelayMs: 0, periodMs: 1_000, timeoutMs: 3_000, successThreshold: 1, failureThreshold: 4 },
  periodUntilSuccessMs: 50,
  check: (signal) => checkReady(proxy, signal),
})

async function checkReady(proxy: ProxyAdministration, signal: AbortSignal): Promise<ProbeResult> {
  try {
    const status = await proxy.readiness(signal)
    return status === 200 ? { ok: true } : { ok: false, message: `Envoy answers ${status}` }
  } catch (error) {
    return { ok: false, message: messageOf(error) }
  }
}
