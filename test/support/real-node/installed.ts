import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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

/** Starts a real Prometheus on the node that scrapes sidecars as the sample says, and returns its address. */
export async function startNodePrometheus({ machine, kubeconfig, startBeside }: RealNode): Promise<string> {
  const { path } = await provisionPrometheus({
    environment: process.env,
    report: () => {},
    signal: AbortSignal.timeout(110_000),
  })
  const job = parse(await readFile(sample, 'utf8'))
  const discovery = job.kubernetes_sd_configs.map((each: object) => ({ ...each, kubeconfig_file: kubeconfig }))
  const configuration = join(machine.folder, 'prometheus.yaml')
  // JSON is YAML.
  await writeFile(configuration, JSON.stringify({ scrape_configs: [{ ...job, kubernetes_sd_configs: discovery }] }))
  startBeside('prometheus', path, [
    `--config.file=${configuration}`,
    `--storage.tsdb.path=${join(machine.folder, 'samples')}`,
    `--web.listen-address=0.0.0.0:${PORT}`,
    '--log.level=warn',
  ])
  const address = `http://${machine.address}:${PORT}`
  await eventually(async () => (await fetch(`${address}/-/ready`)).ok, { within: 60_000, what: 'Prometheus' })
  return address
}

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
