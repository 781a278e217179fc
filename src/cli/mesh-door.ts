import { z } from 'zod'
import type { ProxyConfiguration, ProxyStatus } from '../mesh/control-plane/index.ts'
import { messageOf } from '../runtime/index.ts'
import { CommandError, exitCodes } from './exit-codes.ts'

export interface MeshDoorOptions {
  readonly kubeconfig?: string
  readonly namespace: string
  /** `host:port` of each replica that is asked. */
  readonly mesh?: readonly string[]
}

const DEBUG_PORT = 15_014
const WITHIN_MS = 10_000

export type SeenStatus = ProxyStatus & { readonly replica: string }

/** Of all replicas that are asked. */
export async function readStatuses(options: MeshDoorOptions): Promise<readonly SeenStatus[]> {
  const answers = await Promise.all((await doorsOf(options)).map((door) => ask(door, '/debug/proxies', statusesSchema)))
  return answers.flatMap((answer) => answer?.value.map((status) => ({ ...status, replica: answer.replica })) ?? [])
}

/** By the replica that serves the proxy. */
export async function readConfiguration(pod: string, options: MeshDoorOptions): Promise<ProxyConfiguration> {
  const path = `/debug/proxies/${encodeURIComponent(`${pod}.${options.namespace}`)}`
  const answers = await Promise.all((await doorsOf(options)).map((door) => ask(door, path, configurationSchema)))
  const found = answers.find((answer) => answer !== undefined)
  if (found !== undefined) return found.value
  const next = 'see "sluice proxy-status"; each replica of the mesh knows its own proxies only'
  throw new CommandError(`no proxy ${options.namespace}/${pod} is connected; ${next}`, exitCodes.notFound)
}

/** The local platform serves it beside its API server; of a cluster a port is forwarded. */
async function doorsOf({ mesh, kubeconfig }: MeshDoorOptions): Promise<readonly string[]> {
  if (mesh !== undefined && mesh.length > 0) return mesh
  // Its client takes longer to load than the mesh takes to answer.
  const { apiServerHost } = await import('../kube/index.ts')
  const host = await apiServerHost(kubeconfig)
  return [`${host?.startsWith('127.') === true ? host : '127.0.0.1'}:${DEBUG_PORT}`]
}

const eachType = <T extends z.ZodType>(value: T) =>
  z.object({ cluster: value, endpoints: value, listener: value, routes: value, secret: value })

const statusesSchema: z.ZodType<readonly ProxyStatus[]> = z.array(
  z.object({
    proxy: z.string(),
    node: z.string(),
    agent: z.string(),
    types: eachType(z.enum(['SYNCED', 'STALE', 'NOT SENT'])),
    rejected: z.array(
      z.object({
        type: z.enum(['cluster', 'endpoints', 'listener', 'routes', 'secret']),
        name: z.string(),
        message: z.string(),
      }),
    ),
  }),
)
const configurationSchema: z.ZodType<ProxyConfiguration> = eachType(z.array(z.unknown()))

interface Answer<T> {
  readonly replica: string
  readonly value: T
}

/** Undefined for what the replica does not have. */
async function ask<T>(door: string, path: string, schema: z.ZodType<T>): Promise<Answer<T> | undefined> {
  const response = await fetch(`http://${door}${path}`, { signal: AbortSignal.timeout(WITHIN_MS) }).catch((error) => {
    const next = `on a cluster run "kubectl port-forward -n sluice-system deploy/sluice-mesh ${DEBUG_PORT}" first`
    throw new CommandError(`the mesh does not answer at ${door} (${messageOf(error)}); ${next}, or name it by --mesh`)
  })
  if (response.status === 404) return undefined
  if (!response.ok) throw new CommandError(`the mesh at ${door} answers ${response.status}`)
  const answer = z.object({ replica: z.string(), value: schema }).safeParse(await response.json())
  if (answer.success) return answer.data
  throw new CommandError(`the mesh at ${door} is of another version: ${z.prettifyError(answer.error)}`)
}
