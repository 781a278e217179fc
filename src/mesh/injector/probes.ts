import type { Probe, ProbeTarget } from '../envoy/index.ts'
import type { ContainerProbe, HttpAction, InjectableContainer } from './pod-schema.ts'

/** Where the proxy takes probes. Istio's number. */
export const probePort = 15_020

/** The handlers that were rewritten, by `container/place`, so that they can be put back. */
export type OriginalProbes = Readonly<Record<string, object>>

interface Rewritten {
  readonly container: InjectableContainer
  readonly probes: readonly Probe[]
  readonly originals: OriginalProbes
}

const kinds = [
  ['readinessProbe', 'readyz'],
  ['livenessProbe', 'livez'],
  ['startupProbe', 'startupz'],
] as const

const hooks = [
  ['postStart', 'poststartz'],
  ['preStop', 'prestopz'],
] as const

type Ask = (name: string, place: string, original: object, target: ProbeTarget) => string

/** Turns what a kubelet asks of a container's own ports into questions to the proxy. */
export function rewriteProbes(container: InjectableContainer): Rewritten {
  const probes: Probe[] = []
  const originals: Record<string, object> = {}
  const ask: Ask = (name, place, original, target) => {
    const path = `/app-health/${container.name}/${name}`
    probes.push({ path, target })
    originals[`${container.name}/${place}`] = original
    return path
  }
  const changed = { ...askedProbes(container, ask), ...askedHooks(container, ask) }
  return { container: { ...container, ...changed }, probes, originals }
}

function askedProbes(container: InjectableContainer, ask: Ask): Partial<InjectableContainer> {
  const changed: Partial<Record<(typeof kinds)[number][0], ContainerProbe>> = {}
  for (const [place, name] of kinds) {
    const probe = container[place]
    const target = probe && targetOf(probe, container)
    if (probe === undefined || target === undefined) continue
    const { httpGet, tcpSocket, grpc, ...rest } = probe
    const original = { ...(httpGet && { httpGet }), ...(tcpSocket && { tcpSocket }), ...(grpc && { grpc }) }
    changed[place] = { ...rest, httpGet: askedAt(ask(name, place, original, target), httpGet) }
  }
  return changed
}

function askedHooks(container: InjectableContainer, ask: Ask): Partial<InjectableContainer> {
  const lifecycle = { ...container.lifecycle }
  for (const [place, name] of hooks) {
    const action = lifecycle[place]?.httpGet
    const target = action && httpTarget(action, container)
    if (action === undefined || target === undefined) continue
    const path = ask(name, `lifecycle.${place}`, { httpGet: action }, target)
    lifecycle[place] = { ...lifecycle[place], httpGet: askedAt(path, action) }
  }
  return container.lifecycle === undefined ? {} : { lifecycle }
}

/** Puts back what `rewriteProbes` took. */
export function restoreProbes(container: InjectableContainer, originals: OriginalProbes): InjectableContainer {
  const restored: Record<string, unknown> = {}
  for (const [place] of kinds) {
    const original = originals[`${container.name}/${place}`]
    const { httpGet: _, ...rest } = container[place] ?? {}
    if (original !== undefined) restored[place] = { ...rest, ...original }
  }
  const lifecycle: Record<string, unknown> = {}
  for (const [place] of hooks) {
    const original = originals[`${container.name}/lifecycle.${place}`]
    if (original !== undefined) lifecycle[place] = { ...container.lifecycle?.[place], ...original }
  }
  const whole = Object.keys(lifecycle).length === 0 ? {} : { lifecycle: { ...container.lifecycle, ...lifecycle } }
  return { ...container, ...restored, ...whole }
}

/** Headers stay: the program is asked with them. */
const askedAt = (path: string, original: HttpAction | undefined) => {
  const { scheme: _, host: __, ...rest } = original ?? {}
  return { ...rest, path, port: probePort, scheme: 'HTTP' }
}

/** Undefined where the proxy is not in between: another host is asked, or a command is run. */
function targetOf(probe: ContainerProbe, container: InjectableContainer): ProbeTarget | undefined {
  const { httpGet, tcpSocket, grpc } = probe
  if (httpGet !== undefined) return httpTarget(httpGet, container)
  // A proxy takes every connection, whether or not the program would: it looks by itself.
  const own = {
    periodMs: Math.min(probe.periodSeconds ?? 10, 2) * 1_000,
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1_000,
  }
  if (grpc !== undefined) return { kind: 'grpc', port: grpc.port, service: grpc.service ?? '', ...own }
  const port = tcpSocket?.host === undefined ? tcpSocket && numberOf(tcpSocket.port, container) : undefined
  return port === undefined ? undefined : { kind: 'tcp', port, ...own }
}

function httpTarget(action: HttpAction, container: InjectableContainer): ProbeTarget | undefined {
  const port = numberOf(action.port, container)
  if (port === undefined || action.host !== undefined) return undefined
  const path = action.path ?? '/'
  return {
    kind: 'http',
    scheme: action.scheme === 'HTTPS' ? 'https' : 'http',
    port,
    path: path.startsWith('/') ? path : `/${path}`,
  }
}

const numberOf = (port: number | string, { ports = [] }: InjectableContainer): number | undefined =>
  typeof port === 'number' ? port : ports.find(({ name }) => name === port)?.containerPort
