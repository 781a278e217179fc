import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { configMapKind, endpointSliceKind, namespaceKind, type Pod, podKind, serviceKind } from '../../src/api/index.ts'
import { createPodNetwork, missingForNamespaces, type PodNetwork } from '../../src/local/node-agent/index.ts'
import { injectionSettingsSchema } from '../../src/mesh/injector/index.ts'
import { rootsKey } from '../../src/mesh/model/index.ts'
import { findExecutable, silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { temporaryDirectory } from './directory.ts'
import { envoyPath } from './envoy.ts'
import { eventually } from './eventually.ts'
import { argumentsOf, injected, plainPod } from './injection.ts'
import { createMemoryApi } from './memory-api.ts'
import { namespaceName, namespaceOf, serviceOf, sliceOf } from './mesh-objects.ts'
import { get, place, podToken, startMesh } from './mesh-world.ts'

/** Why tests that give pods networks of their own are skipped here; undefined where they run. Says so aloud. */
export function networkSkipReason(what: string): string | undefined {
  const curl = findExecutable('curl', { path: process.env.PATH }) === undefined ? ['curl'] : []
  const missing = [...missingForNamespaces(), ...curl]
  if (missing.length === 0) return undefined
  const how = 'run as root, with Debian’s packages iproute2, iptables, util-linux and curl'
  const reason = `SKIPPED ${what}: ${missing.join(', ')} missing. To run: ${how}`
  console.warn(reason)
  return reason
}

interface ClaimedNetwork {
  readonly prefix: string
  readonly network: PodNetwork
}

/** A block of addresses that nobody else has now. */
async function claimNetwork(): Promise<ClaimedNetwork> {
  for (let block = 201; block < 250; block++) {
    const prefix = `10.${block}`
    const network = await createPodNetwork(prefix)
    if (!network.wasThere) return { prefix, network }
  }
  throw new Error('every block from 10.201 is taken')
}

export interface InterceptedProgram {
  readonly name: string
  /** Of its own Service. */
  readonly port: { readonly name: string; readonly number: number; readonly target: number }
  /** JavaScript that a bare node runs. */
  readonly script: string
  readonly annotations?: Record<string, string>
}

/** Injected pods in networks of their own: their rules, their real Envoys, and programs that know nothing of it. */
export async function startInterceptedWorld(programs: readonly InterceptedProgram[]) {
  const claimed = await claimNetwork()
  try {
    return await startPrograms(programs, claimed)
  } catch (error) {
    await claimed.network.remove()
    throw error
  }
}

async function startPrograms(programs: readonly InterceptedProgram[], { prefix, network }: ClaimedNetwork) {
  const api = createMemoryApi(Date.now)
  const { apiVersion, kind } = namespaceOf()
  const metadata = { name: namespaceName, labels: { 'istio-injection': 'enabled' } }
  await place(api, namespaceKind, { apiVersion, kind, metadata })
  const mesh = await startMesh({ api, host: `${prefix}.0.1`, publishesRoots: true })
  const settings = injectionSettingsSchema.parse({ image: 'any', xds: `${prefix}.0.1:${mesh.port}`, concurrency: 1 })
  const envoy = await envoyPath()
  const hosts = programs.map(({ name }, index) => `${prefix}.128.${index + 1} ${name} ${name}.${namespaceName}`)
  const pods = await Promise.all(
    programs.map(async (program, index) => {
      const ip = `${prefix}.1.${index + 1}`
      const pod = podOf(program, ip, settings)
      await placePod({ api, pod, program, address: `${prefix}.128.${index + 1}` })
      const namespace = await network.attach(ip)
      await namespace.writeHosts(['127.0.0.1 localhost', ...hosts, ''].join('\n'))
      await namespace.restoreRules(String(pod.metadata.annotations?.['mesh.sluice.dev/interception-rules']))
      return { program, pod, ip, namespace }
    }),
  )
  const roots = await eventually(() => {
    const published = api.list(configMapKind).find(({ metadata }) => metadata.namespace === namespaceName)
    const bundle = published?.data?.[rootsKey]
    if (bundle === undefined) throw new Error(`no roots are published in ${namespaceName}`)
    return bundle
  })
  const running = await Promise.all(
    pods.map(async ({ program, pod, ip, namespace }) => {
      const proxy = await startProxy({ envoy, pod, ip, roots, command: namespace.command })
      await eventually(async () => (await get(`http://${ip}:15021/healthz/ready`)).status === 200, { within: 60_000 })
      const app = start(namespace.command([process.execPath, '-e', program.script]), new PassThrough())
      return { name: program.name, ip, namespace, proxy, app }
    }),
  )
  const find = (name: string) => {
    const found = running.find((each) => each.name === name)
    if (found === undefined) throw new Error(`there is no ${name}`)
    return found
  }
  return {
    api,
    prefix,
    ip: (name: string) => find(name).ip,
    /** Process id of the pod's proxy. */
    proxyPid: (name: string) => find(name).proxy.pid,
    /** Leads to a process inside the pod. */
    inside: (name: string, argv: readonly string[]) => find(name).namespace.command(argv),
    stopProgram: (name: string) => find(name).app.stop({ graceMs: 1_000 }),
    /** What curl prints inside a pod, and its exit code; it knows nothing of any mesh. */
    curl: (name: string, ...args: readonly string[]) => curl(find(name).namespace.command, args),
    async stop() {
      await Promise.all(running.flatMap(({ app, proxy }) => [app.stop({ graceMs: 500 }), proxy.stop()]))
      await mesh.stop()
      await network.remove()
    },
  }
}

export type InterceptedWorld = Awaited<ReturnType<typeof startInterceptedWorld>>

type Command = (argv: readonly string[], user?: number) => readonly string[]

function curl(command: Command, args: readonly string[]): Promise<{ readonly code: number; readonly body: string }> {
  const [file = '', ...rest] = command(['curl', '-sS', '--max-time', '10', ...args])
  return new Promise((resolve) => {
    const asked = execFile(file, rest, { env: { PATH: process.env.PATH } }, (error, stdout) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), body: stdout })
    })
    asked.stdin?.end()
  })
}

function start([command = '', ...args]: readonly string[], output: PassThrough) {
  output.resume()
  return spawnChild({
    command,
    args,
    env: { PATH: process.env.PATH },
    stdout: output,
    stderr: output,
    log: silentLogger,
  })
}

function podOf(
  { name, port, annotations = {} }: InterceptedProgram,
  ip: string,
  settings: Parameters<typeof injected>[1],
): Pod {
  const whole = plainPod({ annotations, labels: { app: name } })
  const [web, ...others] = whole.spec.containers
  const ports = [{ name: port.name, containerPort: port.target }]
  const own = port.name === 'http' ? { ...web, ports } : { name, image: 'any', ports }
  const asked = { ...whole, spec: { ...whole.spec, containers: port.name === 'http' ? [own, ...others] : [own] } }
  const pod = injected({ ...asked, metadata: { ...asked.metadata, ownerReferences: [] } } as typeof whole, settings)
  const { generateName: _, ...metadata } = pod.metadata
  return {
    ...pod,
    metadata: { ...metadata, name: `${name}-0`, namespace: namespaceName, uid: `uid-${name}` },
    spec: { ...pod.spec, serviceAccountName: name },
    status: { phase: 'Running', podIP: ip },
  }
}

async function placePod({
  api,
  pod,
  program,
  address,
}: {
  readonly api: ReturnType<typeof createMemoryApi>
  readonly pod: Pod
  readonly program: InterceptedProgram
  readonly address: string
}): Promise<void> {
  const { name, port } = program
  await place(api, podKind, pod)
  const service = serviceOf(name, { ports: [{ name: port.name, port: port.number, targetPort: port.target }] })
  await place(api, serviceKind, { ...service, spec: { ...service.spec, clusterIP: address } })
  const slice = sliceOf(name, [pod])
  await place(api, endpointSliceKind, { ...slice, ports: [{ name: port.name, port: port.target }] })
}

/** As a kubelet does it: arguments with the pod's words in place, and files where the volumes would show them. */
async function startProxy(options: {
  readonly envoy: string
  readonly pod: Pod
  readonly ip: string
  readonly roots: string
  readonly command: Command
}) {
  const { pod, ip, roots } = options
  const { name, namespace = '', annotations = {} } = pod.metadata
  const directory = await temporaryDirectory()
  const placed = (text: string) => text.replaceAll(/\/var\/run\/(secrets\/)?sluice/g, directory.path)
  const files: Readonly<Record<string, string>> = {
    'trust.json': placed(String(annotations['mesh.sluice.dev/xds-trust'])),
    'token-secret.json': placed(String(annotations['mesh.sluice.dev/xds-token-secret'])),
    'root-cert.pem': roots,
    token: podToken(name, namespace),
  }
  for (const [file, text] of Object.entries(files)) await writeFile(join(directory.path, file), text)
  const args = argumentsOf(pod, { POD_IP: ip, POD_NAME: name, POD_NAMESPACE: namespace }).map(placed)
  const output = new PassThrough()
  const child = start(options.command([options.envoy, ...args], 1337), output)
  return {
    pid: child.pid,
    async stop() {
      await child.stop({ graceMs: 2_000 })
      await directory[Symbol.asyncDispose]()
    },
  }
}
