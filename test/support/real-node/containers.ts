import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../eventually.ts'
import type { KubeApiserver } from '../kube-apiserver.ts'
import type { Machine } from './machine.ts'

/** Of sandboxes; it only waits. */
export const pauseImage = 'sluice.test/pause:1'
export const containerdSocket = '/run/containerd/containerd.sock'

/** Starts containerd with a network in which pods reach each other and the node, and puts images into it. */
export async function startContainerd(
  { startBeside }: Pick<KubeApiserver, 'startBeside'>,
  machine: Machine,
  archive: string,
): Promise<void> {
  const networks = join(machine.folder, 'networks')
  const configuration = join(machine.folder, 'containerd.toml')
  await mkdir(networks)
  await writeFile(join(networks, 'pods.conflist'), JSON.stringify(podNetwork))
  await writeFile(configuration, renderConfiguration(networks))
  startBeside('containerd', 'containerd', ['--config', configuration])
  const ctr = (...args: readonly string[]) => machine.run('ctr', '--namespace', 'k8s.io', ...args)
  await eventually(() => ctr('version'), { within: 60_000, every: 200, what: 'containerd' })
  await ctr('images', 'import', archive)
}

/** Each pod has a cable of its own to the node. No bridge: what goes over one may pass by the rules of Services. */
const podNetwork = {
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.244.0.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
}

/** Without the second setting the kernel refuses every sandbox where nobody may raise the priority of processes. */
const renderConfiguration = (networks: string): string => `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${networks}"
`
