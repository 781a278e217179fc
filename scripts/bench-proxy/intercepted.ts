import { endpointSliceKind, type Pod, podKind, serviceKind } from '../../src/api/index.ts'
import { eventually } from '../../test/support/eventually.ts'
import { serviceOf, sliceOf } from '../../test/support/mesh-objects.ts'
import { place } from '../../test/support/mesh-world.ts'
import { type InterceptedWorld, networkSkipReason, startInterceptedWorld } from '../../test/support/pod-network.ts'
import { type LoadOptions, runLoad } from './load.ts'
import { type Memory, readMemory } from './usage.ts'

const servers = ['client', 'web'] as const
const httpPorts = [80, 8080, 8081, 9090]
const tcpPort = 5432

/**
 * After some load, of an injected client's and server's sidecar in networks of their own, as in a cluster: one Service of
 * five is TCP, the others share four ports. Undefined where such networks cannot be made.
 */
export async function interceptedMemory(
  program: string,
  services: number,
  load: Omit<LoadOptions, 'host' | 'port'>,
): Promise<readonly Memory[] | undefined> {
  if (networkSkipReason('memory of injected sidecars') !== undefined) return undefined
  const port = { name: 'http', number: 80, target: 8080 }
  const script = `require('node:child_process').spawn('${program}', ['answer', '0.0.0.0:8080'], { stdio: 'inherit' })`
  const world = await startInterceptedWorld(servers.map((name) => ({ name, port, script })))
  try {
    await placeOthers(world, services - servers.length)
    const host = `${world.prefix}.128.${servers.indexOf('web') + 1}`
    const ask = (seconds: number) =>
      runLoad(world.inside('client', [program]), { ...load, seconds, host, port: port.number })
    await eventually(async () => (await world.curl('client', `http://${host}`)).code === 0, { what: 'web answers' })
    await ask(load.seconds)
    return await Promise.all(servers.map((name) => readMemory(world.proxyPid(name))))
  } finally {
    await world.stop()
  }
}

async function placeOthers({ api, prefix }: InterceptedWorld, count: number): Promise<void> {
  const web = api.list(podKind).find(({ metadata }) => metadata.name === 'web-0')
  const pods: readonly Pod[] = web === undefined ? [] : [web]
  for (let index = 0; index < count; index += 1) {
    const name = `other-${index}`
    const isTcp = index % 5 === 4
    const number = isTcp ? tcpPort : (httpPorts[index % httpPorts.length] ?? 80)
    const port = { name: isTcp ? 'tcp' : 'http', port: number, targetPort: 8080 }
    const service = serviceOf(name, { ports: [port] })
    await place(api, serviceKind, { ...service, spec: { ...service.spec, clusterIP: `${prefix}.129.${index + 1}` } })
    const slice = sliceOf(name, pods)
    await place(api, endpointSliceKind, { ...slice, ports: [{ name: port.name, port: 8080 }] })
  }
}
