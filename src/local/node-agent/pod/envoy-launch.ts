import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { metricsPort, type Pod } from '../../../api/index.ts'
import { nodeId } from '../../../mesh/model/index.ts'
import type { Launch } from '../container/container.ts'
import type { ProbeResult } from '../probe/probe-state.ts'
import type { ProbePlan } from '../probe/prober.ts'
import type { SidecarMode } from '../spec/sidecar-membership.ts'

/** What an Envoy is told at its start; everything else comes from the mesh. */
export interface BootstrapFacts {
  readonly nodeId: string
  /** `app.namespace`: a name for people. */
  readonly nodeCluster: string
  readonly xds: XdsAddress
  readonly metrics: { readonly address: string; readonly port: number }
  readonly adminSocketPath: string
}

export interface XdsAddress {
  readonly address: string
  readonly port: number
  readonly token: string
}

export interface SidecarOptions {
  /** Path of the Envoy binary. */
  readonly envoy: string
  readonly xds: XdsAddress
  readonly renderBootstrap: (facts: BootstrapFacts) => string
}

export interface EnvoyPlace {
  readonly directory: string
  /** Of its own, since a socket's path may have only 107 bytes. */
  readonly adminSocket: string
}

/** Writes the bootstrap of a pod's Envoy and says how to start it. */
export async function prepareEnvoy(
  options: SidecarOptions,
  pod: Pod,
  mode: SidecarMode,
  { podIP, place }: { readonly podIP: string; readonly place: EnvoyPlace },
): Promise<Launch> {
  const { adminSocket, directory } = place
  const bootstrap = join(directory, 'envoy.json')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await rm(adminSocket, { force: true })
  const facts = {
    nodeId: nodeIdOf(pod, mode, podIP),
    nodeCluster: clusterOf(pod),
    xds: options.xds,
    metrics: { address: podIP, port: metricsPort },
    adminSocketPath: adminSocket,
  }
  // It carries the token of the mesh.
  await writeFile(bootstrap, options.renderBootstrap(facts), { mode: 0o600 })
  await chmod(bootstrap, 0o600)
  return {
    argv: [
      options.envoy,
      '-c',
      bootstrap,
      // The second Envoy of a host exits without it.
      '--disable-hot-restart',
      '--concurrency',
      '1',
      '--log-level',
      'warning',
    ],
    env: {},
    cwd: directory,
    imageID: '',
    readiness: envoyReadiness(adminSocket),
  }
}

const nodeIdOf = ({ metadata }: Pod, mode: SidecarMode, podIP: string): string =>
  nodeId({
    role: mode === 'gateway' ? 'gateway' : 'sidecar',
    address: podIP,
    pod: metadata.name,
    namespace: metadata.namespace ?? 'default',
  })

const clusterOf = ({ metadata }: Pod): string =>
  `${metadata.labels?.app ?? metadata.name}.${metadata.namespace ?? 'default'}`

const envoyReadiness = (adminSocket: string): ProbePlan => ({
  timing: { initialDelayMs: 0, periodMs: 1_000, timeoutMs: 1_000, successThreshold: 1, failureThreshold: 2 },
  periodUntilSuccessMs: 50,
  check: (signal) => readReady(adminSocket, signal),
})

/** Envoy is ready when it has its listeners and clusters from the mesh. */
function readReady(socketPath: string, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const ready = request({ socketPath, path: '/ready', signal, agent: false }, (response) => {
      response.destroy()
      const ok = response.statusCode === 200
      resolve(ok ? { ok } : { ok, message: `Envoy answers ${response.statusCode}` })
    })
    ready.on('error', (error) => resolve({ ok: false, message: error.message }))
    ready.end()
  })
}
