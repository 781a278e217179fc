import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { auditPolicy } from './audit-log.ts'
import { eventually } from './eventually.ts'
import { type KubeApiserver, startKubeApiserver } from './kube-apiserver.ts'
import { requireTool } from './kube-binaries.ts'
import { nodeObject, renderStages, simulatedNode } from './simulated-node.ts'

/** The tools that a control plane needs. */
export const controlPlaneTools = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kwok'] as const

/**
 * A real control plane for one test file: etcd, kube-apiserver, kube-controller-manager, and kwok in place of kubelets.
 * Deployments roll out, endpoints follow pods, owners take what they own along; only no container runs.
 */
export type ControlPlane = KubeApiserver

export async function startControlPlane(): Promise<ControlPlane> {
  const manager = await requireTool('kube-controller-manager')
  const kwok = await requireTool('kwok')
  const kube = await startKubeApiserver({ auditPolicy })
  try {
    const { kubeconfig, folder } = kube
    const stages = join(folder, 'stages.yaml')
    await writeFile(stages, renderStages())
    kube.startBeside('controller-manager', manager, [`--kubeconfig=${kubeconfig}`, ...managerFlags])
    kube.startBeside('kwok', kwok, [`--kubeconfig=${kubeconfig}`, `--config=${stages}`, '--manage-all-nodes=true'])
    await kube.request('POST', '/api/v1/nodes', { body: nodeObject })
    await kube.request('PATCH', `/api/v1/nodes/${simulatedNode}`, {
      body: untainted,
      contentType: 'application/merge-patch+json',
    })
    await untilControlled(kube)
    return kube
  } catch (error) {
    await kube.stop()
    throw error
  }
}

/** Admission calls every new node not ready, and no controller runs here that would take that back. */
const untainted = { spec: { taints: null } }

/** Its own limit of 20 requests a second would be what is measured; nodes are kwok's. */
const managerFlags = [
  '--leader-elect=false',
  '--secure-port=0',
  '--controllers=*,-nodelifecycle,-nodeipam',
  '--kube-api-qps=1000',
  '--kube-api-burst=2000',
  '--concurrent-deployment-syncs=20',
  '--concurrent-replicaset-syncs=20',
]

/** Controllers begin when their caches are full: the first namespace has its service account then. */
async function untilControlled({ request }: KubeApiserver): Promise<void> {
  const path = '/api/v1/namespaces/default/serviceaccounts/default'
  await eventually(async () => (await request('GET', path)).status === 200, { within: 60_000, what: 'controllers' })
}
