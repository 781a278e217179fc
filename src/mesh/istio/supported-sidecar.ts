import { z } from 'zod'
import { portProtocol } from './supported-port.ts'
import { ipAddress, port, refused, text } from './supported-values.ts'

const egressHost = z
  .string()
  .regex(
    /^(\*|\.|~|[a-z0-9]([a-z0-9-]*[a-z0-9])?)\/(\*|(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+)$/,
    'must be namespace/host with the full name of the host, such as "./web.shop.svc.cluster.local" or "istio-system/*"',
  )

/** Of the proxy itself. */
const proxyPorts: ReadonlySet<number> = new Set([15_001, 15_006, 15_020, 15_021, 15_080, 15_090])

/** To where in the pod. */
const defaultEndpoint = text.refine((said) => isProgram(said) || socketPathOf(said) !== undefined, {
  error:
    'must be 127.0.0.1:PORT (the program on its loopback address), 0.0.0.0:PORT (on the address of the pod) or unix:///PATH (a socket that the proxy reaches, of 107 bytes at most); absent, it is the port itself',
})

function isProgram(said: string): boolean {
  const [, number] = /^(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)$/.exec(said) ?? []
  return port.safeParse(Number(number)).success
}

/** Of `unix:///run/app.sock`, or `@app` of `unix://@app`, which is no file. */
export function socketPathOf(endpoint: string): string | undefined {
  const [, path] = /^unix:\/\/((?:\/|@)[\x21-\x7e]{1,106})$/.exec(endpoint) ?? []
  return path
}

const bind = text.refine((said) => ipAddress.safeParse(said).success, {
  error: ({ input }) =>
    String(input).startsWith('unix:')
      ? `${String(input)} is a socket of the file system, which this mesh does not support: it must be an IP address`
      : 'must be an IP address',
})

const ownAddress = z.enum(['0.0.0.0', '::'], {
  error: 'must be 0.0.0.0 or ::, or left out: the listener is on the address of the pod',
})

/** Without interception there is nothing that one listener could be left out of. */
const ingressCapture = z.enum(['DEFAULT', 'IPTABLES'], {
  error:
    'must be DEFAULT or IPTABLES: where connections are intercepted, all that come in are; traffic.sidecar.istio.io/excludeInboundPorts of the pod leaves ports out',
})

const listenerPort = z.strictObject({
  number: port,
  protocol: portProtocol,
  name: z.string().optional(),
  targetPort: refused('write defaultEndpoint for where the program listens'),
})

const egress = z.strictObject({
  port: listenerPort.optional(),
  /** Where it is, in the place of the addresses of its hosts. */
  bind: bind.optional(),
  captureMode: z.enum(['DEFAULT', 'IPTABLES', 'NONE']).default('DEFAULT'),
  hosts: z.array(egressHost).min(1),
})

const ingress = z.strictObject({
  port: listenerPort.extend({
    number: port.refine((number) => !proxyPorts.has(number), 'is a port of the proxy itself'),
  }),
  bind: ownAddress.optional(),
  captureMode: ingressCapture.default('DEFAULT'),
  defaultEndpoint: defaultEndpoint.optional(),
  connectionPool: refused('limit connections by a DestinationRule of the host'),
  tls: refused('a PeerAuthentication says who must show a certificate; TLS of others ends at a Gateway'),
})

export const sidecarSpec = z.strictObject({
  workloadSelector: z.strictObject({ labels: z.record(z.string(), z.string()).default({}) }).optional(),
  egress: z.array(egress).min(1).superRefine(eachPlaceOnce).superRefine(restIsLast).optional(),
  ingress: z.array(ingress).superRefine(eachPortOnce).default([]),
  outboundTrafficPolicy: z
    .strictObject({
      mode: z.enum(['ALLOW_ANY', 'REGISTRY_ONLY']).default('ALLOW_ANY'),
      egressProxy: refused('name outside hosts by ServiceEntries; they are reached directly'),
    })
    .optional(),
  inboundConnectionPool: refused('limit connections by a DestinationRule of the host'),
})

/** Where the listener is, if it is not at the addresses of its hosts. */
export const placeOf = ({ bind, captureMode }: Pick<EgressSpec, 'bind' | 'captureMode'>): string | undefined =>
  bind ?? (captureMode === 'NONE' ? '127.0.0.1' : undefined)

type Context = Pick<z.core.$RefinementCtx, 'addIssue'>

function eachPortOnce(listeners: readonly IngressSpec[], { addIssue }: Context): void {
  const places = listeners.map(({ port: { number } }) => `${number}`)
  tellRepeated('ingress', places, addIssue)
}

/** Listeners with an address of their own may have a port that others have. */
function eachPlaceOnce(listeners: readonly EgressSpec[], { addIssue }: Context): void {
  const places = listeners.map(({ port: said, ...listener }) => said && `${placeOf(listener) ?? ''}|${said.number}`)
  tellRepeated('egress', places, addIssue)
  for (const [index, { port: said, ...listener }] of listeners.entries()) {
    if (placeOf(listener) === undefined || !proxyPorts.has(said?.number ?? 0)) continue
    addIssue({ code: 'custom', path: [index, 'port', 'number'], message: 'is a port of the proxy itself' })
  }
}

function tellRepeated(list: string, places: readonly (string | undefined)[], addIssue: Context['addIssue']): void {
  for (const [index, place] of places.entries()) {
    const first = places.indexOf(place)
    if (place === undefined || first === index) continue
    const message = `is the port of spec.${list}[${first}], too`
    addIssue({ code: 'custom', path: [index, 'port', 'number'], message })
  }
}

function restIsLast(listeners: readonly EgressSpec[], { addIssue }: Context): void {
  for (const [index, { port, ...listener }] of listeners.entries()) {
    if (port !== undefined) continue
    if (placeOf(listener) !== undefined) {
      const message = 'must be given where bind is, or captureMode NONE'
      addIssue({ code: 'custom', path: [index, 'port'], message, params: { code: 'MissingField' } })
    }
    if (index === listeners.length - 1) continue
    const message = 'must be given: only the last listener may leave it out, and is for all other ports'
    addIssue({ code: 'custom', path: [index, 'port'], message, params: { code: 'MissingField' } })
  }
}

export type EgressSpec = z.output<typeof egress>
export type IngressSpec = z.output<typeof ingress>
export type SidecarSpec = z.output<typeof sidecarSpec>
