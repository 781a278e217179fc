import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseAllDocuments } from 'yaml'
import {
  deploymentKind,
  type KubernetesObject,
  localImageKind,
  publishedPort,
  type ResourceKind,
  serviceKind,
} from '../src/api/index.ts'
import { podAddress, type Wait, waitFor, waitUntilAvailable } from '../src/cli/demo/world.ts'
import { createPlatform, temporaryDirectory } from '../src/cli/platform.ts'
import { createKubeClient, type KubeClient } from '../src/kube/index.ts'
import { runTogether, silentLogger, systemClock, untilSignal } from '../src/runtime/index.ts'
import { startTraceCollector } from '../test/support/trace-collector.ts'
import { renderTraces, servicesOf, tracesOf } from './sample-traces/traces.ts'

/**
 * `npm run sample:traces`: the five services of samples/five-services on the local platform, one request, and the trace
 * of it as a Zipkin collector was told. Exit code 0 when it is one trace of all five; `--keep-trace no` shows the pieces
 * that are left when applications hand nothing on.
 */
const services = ['gateway', 'order', 'payment', 'inventory', 'risk']
const kinds: readonly ResourceKind[] = [localImageKind, serviceKind, deploymentKind]

const { values } = parseArgs({ options: { 'keep-trace': { type: 'string', default: 'yes' } } })

using stop = untilSignal()
await using directory = await temporaryDirectory()
const collector = await startTraceCollector('127.0.0.1', 0)
const platform = await createPlatform({
  dataDirectory: directory.path,
  log: silentLogger,
  signal: stop.signal,
  observation: { zipkin: `127.0.0.1:${collector.port}`, traceSampling: 100 },
})
const finished = new AbortController()
await runTogether(AbortSignal.any([stop.signal, finished.signal]), [
  platform.start,
  async (signal) => {
    await platform.ready
    await show(createKubeClient({ kubeconfig: platform.kubeconfigPath, fieldManager: 'sample' }), signal)
    finished.abort()
  },
])
await collector.stop()

async function show(client: KubeClient, signal: AbortSignal): Promise<void> {
  const wait: Wait = { clock: systemClock, signal }
  for (const object of await readManifests()) await apply(client, object)
  for (const name of services) await waitUntilAvailable(client, wait, name)
  const address = await podAddress(client, 'app=gateway')
  const ofRequest = () => collector.spans.filter(({ tags }) => tags['http.url']?.endsWith('/checkout'))
  // Addresses of the Services reach the proxies of the first pods a moment after these are ready.
  await waitFor(wait, 'an answer of all five services', 30_000, async () => {
    const response = await fetch(`http://${address}:${publishedPort(8080)}/warm-up`)
    await response.arrayBuffer()
    return response.ok ? true : undefined
  })
  const response = await fetch(`http://${address}:${publishedPort(8080)}/checkout`)
  console.log(`GET /checkout: ${response.status} ${await response.text()}\n`)
  const spans = await waitFor(wait, 'the spans of the request', 30_000, async () => {
    const found = ofRequest()
    return servicesOf(found).length === services.length ? found : undefined
  })
  const traces = tracesOf(spans)
  console.log(renderTraces(traces))
  process.exitCode = traces.length === 1 ? 0 : 1
}

async function readManifests(): Promise<readonly KubernetesObject[]> {
  const text = await readFile(join(import.meta.dirname, '../samples/five-services/services.yaml'), 'utf8')
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject)
}

function apply(client: KubeClient, object: KubernetesObject): Promise<unknown> {
  const kind = kinds.find((each) => each.kind === object.kind)
  if (kind === undefined) throw new Error(`the sample has no kind ${object.kind}`)
  return client.apply(kind, withTraceSetting(object), { force: true })
}

/** Every service gets what `--keep-trace` says. */
function withTraceSetting(object: KubernetesObject): KubernetesObject {
  if (object.kind !== 'LocalImage') return object
  const { spec } = object as KubernetesObject & { readonly spec: object }
  return { ...object, ...{ spec: { ...spec, env: { KEEP_TRACE: values['keep-trace'] } } } }
}
