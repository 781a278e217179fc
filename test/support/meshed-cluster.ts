import { join } from 'node:path'
import { createReflector, type KubeClient } from '../../src/kube/index.ts'
import { createMeshTrust } from '../../src/local/node-agent/index.ts'
import { createPodToken } from '../../src/mesh/ca/index.ts'
import { authenticateByKey, type ControlPlane, createControlPlane } from '../../src/mesh/control-plane/index.ts'
import { renderBootstrap, renderXdsTrust } from '../../src/mesh/envoy/index.ts'
import { controlPlaneIdentity, rootNamespace, rootsKey, rootsName } from '../../src/mesh/model/index.ts'
import { runTogether, silentLogger, systemClock } from '../../src/runtime/index.ts'
import { envoyPath } from './envoy.ts'
import { type LocalCluster, type NodeOptions, startLocalCluster } from './local-cluster.ts'

const XDS_PORT = 15_010
const tokenKey = 'key-of-the-test'

export interface MeshedCluster extends AsyncDisposable {
  readonly cluster: LocalCluster
  readonly mesh: ControlPlane
}

/** Deployments whose pods are processes with a real Envoy each, and the mesh that configures those: one process. */
export async function startMeshedCluster(): Promise<MeshedCluster> {
  const envoy = await envoyPath()
  const stop = new AbortController()
  const acting = { clock: systemClock, log: silentLogger, random: Math.random }
  const started = Promise.withResolvers<{ readonly mesh: ControlPlane; readonly running: Promise<void> }>()
  const node = ({ client, prefix, directory }: NodeOptions) => {
    const xds = { host: `${prefix}.0.1`, port: XDS_PORT }
    const mesh = createMesh(client, xds)
    const trust = createMeshTrust({
      ...acting,
      client,
      configMap: { namespace: rootNamespace, name: rootsName, key: rootsKey },
      directory: join(directory, 'mesh-trust'),
      identity: controlPlaneIdentity,
      renderTrust: renderXdsTrust,
    })
    started.resolve({ mesh, running: runTogether(stop.signal, [mesh.start, trust.start]) })
    return {
      sidecar: {
        envoy,
        xds: { address: xds.host, port: xds.port },
        tokenFor: (pod: Parameters<typeof createPodToken>[1]) => createPodToken(tokenKey, pod),
        trust,
        renderBootstrap,
      },
      untilProxiesForget: async (address: string, signal: AbortSignal) =>
        void (await mesh.departures.untilGone(address, signal)),
    }
  }
  const cluster = await startLocalCluster({ node })
  const { mesh, running } = await started.promise
  return {
    cluster,
    mesh,
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose](async () => {
        stop.abort()
        await running
      })
    },
  }
}

function createMesh(client: KubeClient, xds: { readonly host: string; readonly port: number }): ControlPlane {
  const acting = { client, clock: systemClock, log: silentLogger, random: Math.random }
  return createControlPlane({
    ...acting,
    reflectorOf: (kind) => createReflector({ ...acting, kind }),
    xds: { ...xds, authenticate: authenticateByKey(tokenKey) },
    certificates: { pollMs: 500 },
  })
}
