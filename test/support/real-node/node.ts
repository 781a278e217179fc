import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { eventually } from '../eventually.ts'
import { type KubeApiserver, startKubeApiserver } from '../kube-apiserver.ts'
import { requireTool } from '../kube-binaries.ts'
import { applyAll } from './apply.ts'
import { clusterDns, dnsObjects } from './cluster-dns.ts'
import { containerdSocket, startContainerd } from './containers.ts'
import { writeTestImages } from './images.ts'
import { type Machine, startMachine } from './machine.ts'

/** A cluster of one real node. */
export interface RealNode extends KubeApiserver {
  readonly machine: Machine
}

const nodeName = 'node'

/** Control plane and node on a machine of their own: pods run, have addresses and tokens, and reach Services by name. */
export async function startRealNode(): Promise<RealNode> {
  const tools = await requireNodeTools()
  const machine = await startMachine()
  try {
    const images = join(machine.folder, 'images.tar')
    const written = writeTestImages(images, machine.folder)
    const kube = await startKubeApiserver({ place: machine })
    try {
      await startControllers(kube, tools)
      await written
      await startContainerd(kube, machine, images)
      await startNodeAgents(kube, machine, tools)
      await applyAll(kube, dnsObjects)
      await untilReady(kube)
    } catch (error) {
      await kube.stop()
      throw error
    }
    const stop = async () => {
      await kube.stop()
      await machine.stop()
    }
    return { ...kube, machine, stop }
  } catch (error) {
    await machine.stop()
    throw error
  }
}

const nodeTools = ['kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet'] as const
type Tools = Readonly<Record<(typeof nodeTools)[number], string>>

async function requireNodeTools(): Promise<Tools> {
  const [manager = '', scheduler = '', proxy = '', kubelet = ''] = await Promise.all(nodeTools.map(requireTool))
  return { 'kube-controller-manager': manager, 'kube-scheduler': scheduler, 'kube-proxy': proxy, kubelet }
}

async function startControllers({ kubeconfig, folder, startBeside }: KubeApiserver, tools: Tools): Promise<void> {
  startBeside('controller-manager', tools['kube-controller-manager'], [
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--secure-port=0',
    // Pods have their addresses from the network of the node.
    '--controllers=*,-nodeipam',
    `--root-ca-file=${join(folder, 'certificates', 'apiserver.crt')}`,
    `--service-account-private-key-file=${join(folder, 'service-account.pem')}`,
  ])
  const leaderless = ['--leader-elect=false', '--secure-port=0']
  startBeside('scheduler', tools['kube-scheduler'], [`--kubeconfig=${kubeconfig}`, ...leaderless])
}

async function startNodeAgents(kube: KubeApiserver, machine: Machine, tools: Tools): Promise<void> {
  const { folder } = machine
  const files = { kubelet: join(folder, 'kubelet.yaml'), proxy: join(folder, 'kube-proxy.yaml') }
  await mkdir(join(folder, 'no-pods'))
  await writeFile(join(folder, 'resolv.conf'), '')
  await writeFile(files.kubelet, stringify(kubeletConfiguration(machine)))
  await writeFile(files.proxy, stringify(proxyConfiguration(kube)))
  kube.startBeside('kubelet', tools.kubelet, [
    `--config=${files.kubelet}`,
    `--kubeconfig=${kube.kubeconfig}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${machine.address}`,
  ])
  kube.startBeside('kube-proxy', tools['kube-proxy'], [`--config=${files.proxy}`, `--hostname-override=${nodeName}`])
}

/** Nobody but this machine reaches the kubelet. What it would reserve, swap off or evict is not this node's to decide. */
const kubeletConfiguration = ({ folder, cgroup }: Machine) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  cgroupDriver: 'cgroupfs',
  cgroupRoot: cgroup,
  clusterDNS: [clusterDns],
  clusterDomain: 'cluster.local',
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  enforceNodeAllocatable: [],
  evictionHard: { 'memory.available': '10Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  failCgroupV1: false,
  failSwapOn: false,
  imageGCHighThresholdPercent: 100,
  localStorageCapacityIsolation: false,
  oomScoreAdj: 0,
  resolvConf: join(folder, 'resolv.conf'),
  serverTLSBootstrap: false,
})

/** Limits of connections are the whole machine's. */
const proxyConfiguration = ({ kubeconfig }: KubeApiserver) => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: 'iptables',
  clientConnection: { kubeconfig },
  clusterCIDR: '10.244.0.0/16',
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  healthzBindAddress: '127.0.0.1:10256',
  metricsBindAddress: '127.0.0.1:10249',
})

async function untilReady({ request }: KubeApiserver): Promise<void> {
  const isReady = async () => {
    const { body } = await request('GET', `/api/v1/nodes/${nodeName}`)
    const conditions: readonly { type: string; status: string }[] = body.status?.conditions ?? []
    return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  }
  await eventually(isReady, { within: 180_000, every: 200, what: 'the node' })
}
