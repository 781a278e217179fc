import { connect, createServer, type Server, type Socket } from 'node:net'
import {
  type EndpointSlice,
  isReadyEndpoint,
  reachablePort,
  type Service,
  serviceNameLabel,
} from '../../../api/index.ts'
import type { Reflector } from '../../../kube/index.ts'
import { type Logger, messageOf, untilAborted } from '../../../runtime/index.ts'
import { isAddressable } from '../spec/service-variables.ts'

export interface ServiceProxyOptions {
  readonly services: Reflector<Service>
  readonly endpointSlices: Reflector<EndpointSlice>
  /** Only addresses of this prefix are ours to bind, such as `127.64`. */
  readonly prefix: string
  readonly log: Logger
}

interface Target {
  readonly host: string
  readonly port: number
}

interface Door {
  readonly server: Server
  readonly sockets: Set<Socket>
}

/**
 * What kube-proxy does, for clients without a sidecar: each Service's address leads to its ready pods in turn.
 * Keeps the clients of a leaving pod: open connections are only cut when the Service goes.
 */
export function createServiceProxy(options: ServiceProxyOptions): { start(signal: AbortSignal): Promise<void> } {
  const doors = new Map<string, Door>()
  const turns = new Map<string, number>()

  const targetsOf = (service: Service, portName: string): readonly Target[] =>
    readyTargets(options.endpointSlices.list(service.metadata.namespace), service.metadata.name, portName)

  const nextTargets = (key: string, service: Service, portName: string): readonly Target[] => {
    const targets = targetsOf(service, portName)
    const turn = turns.get(key) ?? 0
    turns.set(key, turn + 1)
    const first = targets.length === 0 ? 0 : turn % targets.length
    return [...targets.slice(first), ...targets.slice(0, first)]
  }

  const open = (key: string, service: Service, port: { readonly name?: string; readonly port: number }): void => {
    const sockets = new Set<Socket>()
    const server = createServer({ allowHalfOpen: true }, (client) => {
      sockets.add(client)
      client.on('close', () => sockets.delete(client))
      forward(client, nextTargets(key, service, port.name ?? ''))
    })
    const where = { host: service.spec.clusterIP ?? '', port: reachablePort(service.spec.clusterIP ?? '', port.port) }
    server.on('error', (error) => {
      const { namespace, name } = service.metadata
      options.log.error({ service: `${namespace}/${name}`, ...where, error: messageOf(error) }, 'no Service address')
      doors.delete(key)
    })
    server.listen(where)
    doors.set(key, { server, sockets })
  }

  const close = (key: string, { server, sockets }: Door): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
    doors.delete(key)
    turns.delete(key)
  }

  const sync = (): void => {
    const wanted = new Map(
      options.services
        .list()
        .filter(
          (service) => isAddressable(service) && service.spec.clusterIP?.startsWith(`${options.prefix}.`) === true,
        )
        .flatMap((service) => (service.spec.ports ?? []).map((port) => [doorKey(service, port), { service, port }])),
    )
    for (const [key, door] of doors) if (!wanted.has(key)) close(key, door)
    for (const [key, { service, port }] of wanted) if (!doors.has(key)) open(key, service, port)
  }

  return {
    async start(signal) {
      const unsubscribe = options.services.onChange(sync)
      sync()
      await untilAborted(signal)
      unsubscribe()
      for (const [key, door] of doors) close(key, door)
    },
  }
}

const doorKey = ({ metadata, spec }: Service, port: { readonly name?: string; readonly port: number }): string =>
  [metadata.namespace, metadata.name, metadata.uid, spec.clusterIP, port.name, port.port].join('/')

/** Resolves when the address is no ready endpoint of any Service, or the signal fires. */
export async function untilNotListed(
  slices: Reflector<EndpointSlice>,
  address: string,
  signal: AbortSignal,
): Promise<void> {
  const isListed = ({ endpoints }: EndpointSlice) =>
    endpoints?.some((each) => isReadyEndpoint(each) && each.addresses.includes(address))
  const left = new AbortController()
  const look = (): void => {
    if (!slices.list().some(isListed)) left.abort()
  }
  const unsubscribe = slices.onChange(look)
  look()
  await untilAborted(AbortSignal.any([signal, left.signal]))
  unsubscribe()
}

/** The ready endpoints of one port of a Service, in a stable order. */
export function readyTargets(slices: readonly EndpointSlice[], service: string, portName: string): readonly Target[] {
  return slices
    .filter(({ metadata }) => metadata.labels?.[serviceNameLabel] === service)
    .flatMap(({ endpoints, ports }) => {
      const port = ports?.find(({ name }) => (name ?? '') === portName)?.port
      if (port === undefined) return []
      return (endpoints ?? [])
        .filter(isReadyEndpoint)
        .flatMap(({ addresses }) => addresses.map((host) => ({ host, port: reachablePort(host, port) })))
    })
    .sort((left, right) => (left.host < right.host ? -1 : 1))
}

/** Tries the targets in turn; a client of a Service without a ready pod is turned away. */
function forward(client: Socket, [target, ...others]: readonly Target[]): void {
  if (target === undefined) {
    client.resetAndDestroy()
    return
  }
  const upstream = connect({ ...target, allowHalfOpen: true })
  let isConnected = false
  client.on('error', () => upstream.destroy())
  client.on('close', () => upstream.destroy())
  upstream.on('connect', () => {
    isConnected = true
    client.pipe(upstream)
    upstream.pipe(client)
  })
  upstream.on('error', () => {
    if (isConnected || client.destroyed) client.destroy()
    else forward(client, others)
  })
}
