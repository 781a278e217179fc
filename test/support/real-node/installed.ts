import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { provisionPrometheus } from '../../../src/local/tools/index.ts'
import { eventually } from '../eventually.ts'
import { startHelm } from '../helm.ts'
import { installChart } from '../install-chart.ts'
import { productRepository, productTag } from './images.ts'
import type { RealNode } from './node.ts'

export const systemNamespace = 'sluice-system'
const PORT = 9_090
const sample = join(import.meta.dirname, '../../../samples/prometheus/scrape-config.yaml')

export interface NodePrometheus {
  readonly address: string
  stop(): Promise<void>
}

/** Starts a real Prometheus on the node that scrapes sidecars as the sample says. */
export async function startNodePrometheus(node: RealNode): Promise<NodePrometheus> {
  const { machine, startBeside } = node
  const { path } = await provisionPrometheus({
    environment: process.env,
    report: () => {},
    signal: AbortSignal.timeout(110_000),
  })
  const job = parse(await readFile(sample, 'utf8'))
  const targets = join(machine.folder, 'targets.json')
  const stop = followPods(node, targets)
  const configuration = join(machine.folder, 'prometheus.yaml')
  // JSON is YAML. Debian's Prometheus can not look for pods itself.
  const discovery = { kubernetes_sd_configs: undefined, file_sd_configs: [{ files: [targets] }] }
  await writeFile(configuration, JSON.stringify({ scrape_configs: [{ ...job, ...discovery }] }))
  startBeside('prometheus', path, [
    `--config.file=${configuration}`,
    `--storage.tsdb.path=${join(machine.folder, 'samples')}`,
    `--web.listen-address=0.0.0.0:${PORT}`,
    // A hidden flag: a new pod would wait 5 s longer for its first scrape.
    '--scrape.discovery-reload-interval=100ms',
    '--log.level=warn',
  ])
  const address = `http://${machine.address}:${PORT}`
  await eventually(async () => (await fetch(`${address}/-/ready`)).ok, { within: 60_000, what: 'Prometheus' })
  return { address, stop }
}

/** Keeps a file of targets: what Prometheus finds in a cluster itself, with the labels that it gives to it. */
function followPods({ request }: RealNode, file: string): () => Promise<void> {
  const ending = new AbortController()
  const look = async () => {
    const { body } = await request('GET', '/api/v1/pods')
    await writeFile(`${file}.new`, JSON.stringify(body.items.flatMap(targetsOf)))
    await rename(`${file}.new`, file)
  }
  const follow = async () => {
    while (!ending.signal.aborted) {
      // While the API server is away the pods are those that were.
      await look().catch(() => {})
      await delay(500, undefined, { signal: ending.signal }).catch(() => {})
    }
  }
  const following = follow()
  return async () => {
    ending.abort()
    await following
  }
}

/** One for each port of each container. */
const targetsOf = ({ metadata, spec, status }: AnyPod): readonly object[] =>
  [...(spec.initContainers ?? []), ...spec.containers]
    .flatMap(({ ports = [] }) => ports)
    .filter(() => status.podIP !== undefined)
    .map(({ containerPort }) => ({
      targets: [`${status.podIP}:${containerPort}`],
      labels: {
        __meta_kubernetes_namespace: metadata.namespace,
        __meta_kubernetes_pod_name: metadata.name,
        __meta_kubernetes_pod_phase: status.phase,
        __meta_kubernetes_pod_container_port_number: `${containerPort}`,
      },
    }))

// biome-ignore lint/suspicious/noExplicitAny: a pod as the API server has it
type AnyPod = any

/** Values of series now, by a PromQL query. */
export async function query(prometheus: string, text: string): Promise<readonly number[]> {
  const response = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query: text })}`)
  const { data } = (await response.json()) as {
    readonly data: { readonly result: readonly { value: [number, string] }[] }
  }
  return data.result.map(({ value }) => Number(value[1]))
}

/** Installs the chart with the images of this node, as its users would, and waits until both processes serve. */
export async function installSluice(node: RealNode, prometheus: string): Promise<void> {
  const helm = await startHelm(node.kubeconfig)
  const values = {
    'image.repository': productRepository,
    'image.tag': productTag,
    'image.pullPolicy': 'Never',
    metricsServer: prometheus,
    'controller.replicas': 1,
    'mesh.injection.concurrency': 1,
  }
  const settings = Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`])
  try {
    await installChart(node, helm, '--namespace', systemNamespace, '--create-namespace', ...settings)
  } finally {
    await helm.stop()
  }
  for (const name of ['sluice-controller', 'sluice-mesh']) await untilAvailable(node, systemNamespace, name)
}

export async function untilAvailable({ request }: RealNode, namespace: string, name: string): Promise<void> {
  const look = async () => {
    const { body } = await request('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`)
    if (body.status?.observedGeneration === body.metadata.generation && body.status.availableReplicas > 0) return true
    throw new Error(await whatPodsSay(request, namespace))
  }
  await eventually(look, { within: 180_000, every: 500, what: `${namespace}/${name} is available` })
}

/** Why pods are not ready, for the message of a failure. */
async function whatPodsSay(request: RealNode['request'], namespace: string): Promise<string> {
  const { body } = await request('GET', `/api/v1/namespaces/${namespace}/events`)
  const events: readonly { type: string; reason: string; message: string }[] = body.items
  return events
    .filter(({ type }) => type === 'Warning')
    .slice(-5)
    .map(({ reason, message }) => `${reason}: ${message}`)
    .join('\n')
}
