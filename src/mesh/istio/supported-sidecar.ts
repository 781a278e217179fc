import { z } from 'zod'
import { portProtocol } from './supported-port.ts'
import { port, refused, text } from './supported-values.ts'

const egressHost = z
  .string()
  .regex(
    /^(\*|\.|~|[a-z0-9]([a-z0-9-]*[a-z0-9])?)\/(\*|(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+)$/,
    'must be namespace/host with the full name of the host, such as "./web.shop.svc.cluster.local" or "istio-system/*"',
  )

/** Of the proxy itself. */
const proxyPorts: ReadonlySet<number> = new Set([15_001, 15_006, 15_020, 15_021, 15_080, 15_090])

const endpointForm =
  'must be 127.0.0.1:PORT (the program on its loopback address) or 0.0.0.0:PORT (on the address of the pod); absent, it is the port itself'

/** To where in the pod. Sockets of files would have to be shared by containers. */
const defaultEndpoint = text.refine(isEndpoint, {
  error: ({ input }) =>
    String(input).startsWith('unix:')
      ? `${String(input)} is a socket of the file system, which this mesh does not support: it ${endpointForm}`
      : endpointForm,
})

function isEndpoint(said: string): boolean {
  const [, number] = /^(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)$/.exec(said) ?? []
  return port.safeParse(Number(number)).success
}

const captureMode = z
  .enum(['DEFAULT'], {
    error: 'must be DEFAULT: whether connections are intercepted is a matter of the pod, not of one listener',
  })
  .default('DEFAULT')

const listenerPort = z.strictObject({
  number: port,
  protocol: portProtocol,
  name: z.string().optional(),
  targetPort: refused('write defaultEndpoint for where the program listens'),
})

const egress = z.strictObject({
  port: listenerPort.optional(),
  bind: z.undefined({ error: 'leave it out: hosts are reached at the addresses of their Services' }).optional(),
  captureMode,
  hosts: z.array(egressHost).min(1),
})

const ingress = z.strictObject({
  port: listenerPort.extend({
    number: port.refine((number) => !proxyPorts.has(number), 'is a port of the proxy itself'),
  }),
  bind: z.undefined({ error: 'leave it out: the listener is on the address of the pod' }).optional(),
  captureMode,
  defaultEndpoint: defaultEndpoint.optional(),
  connectionPool: refused('limit connections by a DestinationRule of the host'),
  tls: refused('a PeerAuthentication says who must show a certificate; TLS of others ends at a Gateway'),
})

export const sidecarSpec = z.strictObject({
  workloadSelector: z.strictObject({ labels: z.record(z.string(), z.string()).default({}) }).optional(),
  egress: z.array(egress).min(1).superRefine(eachPortOnce('egress')).superRefine(restIsLast).optional(),
  ingress: z.array(ingress).superRefine(eachPortOnce('ingress')).default([]),
  outboundTrafficPolicy: z
    .strictObject({
      mode: z.enum(['ALLOW_ANY', 'REGISTRY_ONLY']).default('ALLOW_ANY'),
      egressProxy: refused('name outside hosts by ServiceEntries; they are reached directly'),
    })
    .optional(),
  inboundConnectionPool: refused('limit connections by a DestinationRule of the host'),
})

type Listeners = readonly { readonly port?: { readonly number: number } | undefined }[]

function eachPortOnce(list: string) {
  return (listeners: Listeners, { addIssue }: z.core.$RefinementCtx): void => {
    const numbers = listeners.map(({ port }) => port?.number)
    for (const [index, number] of numbers.entries()) {
      const first = numbers.indexOf(number)
      if (number !== undefined && first < index) {
        const message = `is the port of spec.${list}[${first}], too`
        addIssue({ code: 'custom', path: [index, 'port', 'number'], message })
      }
    }
  }
}

function restIsLast(listeners: Listeners, { addIssue }: z.core.$RefinementCtx): void {
  for (const [index, { port }] of listeners.slice(0, -1).entries()) {
    if (port !== undefined) continue
    const message = 'must be given: only the last listener may leave it out, and is for all other ports'
    addIssue({ code: 'custom', path: [index, 'port'], message, params: { code: 'MissingField' } })
  }
}

export type EgressSpec = z.output<typeof egress>
export type IngressSpec = z.output<typeof ingress>
export type SidecarSpec = z.output<typeof sidecarSpec>
