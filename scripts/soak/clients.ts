import { z } from 'zod'
import { appAddressAnnotation, type Pod, podKind } from '../../src/api/index.ts'
import { gatewayPort } from '../../src/cli/demo/world.ts'
import { eventually } from '../../test/support/eventually.ts'
import type { SluiceLocal } from '../../test/support/sluice-local.ts'
import { type App, clientPod, namespace } from './apps.ts'

const reportSchema = z.object({
  sent: z.number(),
  answered: z.number(),
  failed: z.number(),
  failures: z.array(z.object({ dueAt: z.number(), endedAt: z.number(), target: z.string(), what: z.string() })),
  answers: z.record(z.string(), z.record(z.string(), z.number())),
  p50: z.number(),
  p99: z.number(),
  max: z.number(),
})

/** What became of one client's requests: times in milliseconds, answers by target and version. */
export type ClientReport = z.output<typeof reportSchema>

const clients = ['mesh', 'gateway'] as const
export type ClientName = (typeof clients)[number]
export type ClientReports = Readonly<Record<ClientName, ClientReport>>

/** One inside the mesh, which calls the Services, and one outside, which calls the gateway; each sends half of the requests. */
export async function startClients(
  platform: SluiceLocal,
  apps: readonly App[],
  options: { readonly program: string; readonly requestsPerSecond: number },
): Promise<() => Promise<ClientReports>> {
  const gatewayPod = await podOf(platform, 'istio=ingressgateway')
  const half = { program: options.program, requestsPerSecond: options.requestsPerSecond / clients.length }
  const variable = (name: string, what: string) => `$(${name.toUpperCase().replaceAll('-', '_')}_SERVICE_${what})`
  const inside = apps.map(({ name }) => ({
    name,
    address: `${variable(name, 'HOST')}:${variable(name, 'PORT')}`,
    host: name,
  }))
  const outside = apps.map(({ name, host }) => ({ name, address: `${gatewayPod.status?.podIP}:${gatewayPort}`, host }))
  const applied = await platform.apply([
    ...clientPod({ ...half, name: 'mesh', isMeshed: true, targets: inside }),
    ...clientPod({ ...half, name: 'gateway', isMeshed: false, targets: outside }),
  ])
  if (applied.code !== 0) throw new Error(applied.err)
  const [mesh, gateway] = [await addressOf(platform, 'mesh'), await addressOf(platform, 'gateway')]
  return async () => ({ mesh: await readReport(mesh), gateway: await readReport(gateway) })
}

/** A running pod with a label. */
function podOf({ client }: SluiceLocal, labelSelector: string): Promise<Pod> {
  const look = async () => {
    const { items } = await client.list(podKind, { namespace, labelSelector })
    const ready = items.find(({ status }) =>
      status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    )
    if (ready === undefined) throw new Error('no pod is ready')
    return ready
  }
  return eventually(look, { within: 120_000, every: 200, what: labelSelector })
}

/** Of the program itself, past its sidecar. */
async function addressOf(platform: SluiceLocal, name: ClientName): Promise<string> {
  const { metadata, status } = await podOf(platform, `app=${name}`)
  return metadata.annotations?.[appAddressAnnotation] ?? String(status?.podIP)
}

const readReport = (address: string): Promise<ClientReport> =>
  eventually(async () => reportSchema.parse(await (await fetch(`http://${address}:8080/`)).json()), { within: 60_000 })
