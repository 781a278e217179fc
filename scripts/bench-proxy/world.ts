import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type PeerAuthentication, peerAuthenticationKind } from '../../src/api/index.ts'
import { silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { eventually } from '../../test/support/eventually.ts'
import { namespaceName, serviceOf } from '../../test/support/mesh-objects.ts'
import { get, type RunningEnvoy, samplesOf, sumOf } from '../../test/support/mesh-world.ts'
import { startTrafficWorld } from '../../test/support/traffic-world.ts'

const backend = fileURLToPath(new URL('./backend.ts', import.meta.url))

export interface Memory {
  /** Resident, and the part of it that is no file: megabytes of the client's sidecar and the server's. */
  readonly resident: number
  readonly anonymous: number
}

export interface BenchWorld {
  /** Addresses of the backend: itself, through both sidecars, and through both with mTLS. */
  readonly urls: Readonly<Record<'direct' | 'plain' | 'mtls', string>>
  /** Of the client's sidecar, then of the server's. */
  memory(): Promise<readonly [Memory, Memory]>
  stop(): Promise<void>
}

/** Its pods take no mTLS. */
const plainText: PeerAuthentication = {
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'plain', namespace: namespaceName },
  spec: { selector: { matchLabels: { app: 'plain' } }, mtls: { mode: 'DISABLE' } },
}

/**
 * A client's pod and two servers', each with a real Envoy (concurrency 1), configured by the real control plane, which
 * knows as many Services as said. To the server `plain` requests go as they are, to `mtls` by the mesh's default.
 */
export async function startBenchWorld(services: number): Promise<BenchWorld> {
  const servers = ['plain', 'mtls'] as const
  const others = Array.from({ length: services - servers.length }, (_, index) => `other-${index}`)
  const world = await startTrafficWorld({
    pods: ['client', ...servers].map((name) => ({ name: `${name}-0` })),
    services: [...servers, ...others].map((name) => {
      const server = servers.find((each) => each === name) ?? 'mtls'
      return { service: serviceOf(name), pods: [`${server}-0`] }
    }),
  })
  await world.place(peerAuthenticationKind, plainText)
  const children = servers.map((name) =>
    spawnChild({
      command: process.execPath,
      args: [backend],
      env: { HOST: world.appAddress(`${name}-0`), PORT: '8080' },
      stdout: 'ignore',
      stderr: process.stderr,
      log: silentLogger,
    }),
  )
  const urls = {
    direct: `http://${world.appAddress('mtls-0')}:8080`,
    plain: world.url('client-0', 'shop/plain'),
    mtls: world.url('client-0', 'shop/mtls'),
  }
  for (const url of Object.values(urls))
    await eventually(async () => (await get(url)).status === 200, { within: 60_000, what: `${url} answers` })
  for (const [name, policy] of [
    ['plain', 'none'],
    ['mtls', 'mutual_tls'],
  ] as const)
    await eventually(() => comesBy(urls[name], world.envoy(`${name}-0`), policy), { within: 30_000, what: policy })
  const memoryOf = (pod: string) => readMemory(world.envoy(pod).child.pid)
  return {
    urls,
    memory: async () => [await memoryOf('client-0'), await memoryOf('mtls-0')],
    async stop() {
      await Promise.all(children.map((child) => child.stop({ graceMs: 1_000 })))
      await world.stop()
    },
  }
}

/** Whether the server's proxy says of one more request that it came by this policy. */
async function comesBy(url: string, server: RunningEnvoy, policy: 'none' | 'mutual_tls'): Promise<boolean> {
  const count = async () =>
    sumOf(await samplesOf(server, 'istio_requests_total'), {
      connection_security_policy: policy,
      reporter: 'destination',
    })
  const before = await count()
  await get(url)
  return (await count()) > before
}

async function readMemory(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const megabytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024
  return { resident: megabytes('VmRSS'), anonymous: megabytes('RssAnon') }
}
