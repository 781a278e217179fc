import { type PeerAuthentication, peerAuthenticationKind } from '../../src/api/index.ts'
import { silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { eventually } from '../../test/support/eventually.ts'
import { namespaceName, serviceOf } from '../../test/support/mesh-objects.ts'
import { get, type RunningEnvoy, samplesOf, sumOf } from '../../test/support/mesh-world.ts'
import { startPrometheus } from '../../test/support/prometheus.ts'
import { startTrafficWorld } from '../../test/support/traffic-world.ts'
import { startBarePair } from './bare.ts'
import { type Memory, readMemory } from './usage.ts'

export const arms = ['direct', 'plain', 'mtls', 'bare', 'bareMtls'] as const
export type Arm = (typeof arms)[number]

export interface BenchWorld {
  /** Addresses of the server: itself, through both sidecars, through both with mTLS, and the same of two bare Envoys. */
  readonly urls: Readonly<Record<Arm, string>>
  /** Process ids of the Envoys that a request passes, the client's first. */
  proxies(arm: Arm): readonly number[]
  /** Of the client's sidecar, then of the server's. */
  memory(): Promise<readonly Memory[]>
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
 * knows as many Services as said, and scraped each second by a real Prometheus. To the server `plain` requests go as
 * they are, to `mtls` by the mesh's default. Two Envoys that do nothing but pass on lead to the latter as well.
 */
export async function startBenchWorld(program: string, services: number): Promise<BenchWorld> {
  const servers = ['plain', 'mtls'] as const
  const others = Array.from({ length: services - servers.length }, (_, index) => `other-${index}`)
  const pods = ['client-0', ...servers.map((name) => `${name}-0`)]
  const world = await startTrafficWorld({
    pods: pods.map((name) => ({ name })),
    services: [...servers, ...others].map((name) => {
      const server = servers.find((each) => each === name) ?? 'mtls'
      return { service: serviceOf(name), pods: [`${server}-0`] }
    }),
  })
  await world.place(peerAuthenticationKind, plainText)
  const children = servers.map((name) =>
    spawnChild({
      command: program,
      args: ['answer', `${world.appAddress(`${name}-0`)}:8080`],
      env: {},
      stdout: 'ignore',
      stderr: process.stderr,
      log: silentLogger,
    }),
  )
  const bare = await startBarePair({
    prefix: world.prefix,
    application: { address: world.appAddress('mtls-0'), port: 8080 },
  })
  const urls = {
    ...bare.urls,
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
  if ((await get(bare.protectedUrl)).status !== 0) throw new Error('the bare Envoy takes requests without TLS')
  const prometheus = await startPrometheus({ envoys: pods.map((pod) => world.envoy(pod).address) })
  const pidOf = (pod: string) => world.envoy(pod).child.pid
  return {
    urls,
    proxies: (arm) => {
      if (arm === 'direct') return []
      return arm === 'plain' || arm === 'mtls' ? [pidOf('client-0'), pidOf(`${arm}-0`)] : bare.pids
    },
    memory: () => Promise.all(['client-0', 'mtls-0'].map((pod) => readMemory(pidOf(pod)))),
    async stop() {
      await Promise.all([bare.stop(), ...children.map((child) => child.stop({ graceMs: 1_000 }))])
      await prometheus.stop()
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
