import { z } from 'zod'
import { portProtocol } from './supported-port.ts'
import { port, text } from './supported-values.ts'

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

const ingress = z.strictObject({
  port: z.strictObject({
    number: port.refine((number) => !proxyPorts.has(number), 'is a port of the proxy itself'),
    protocol: portProtocol,
    name: z.string().optional(),
  }),
  bind: z.undefined({ error: 'leave it out: the listener is on the address of the pod' }).optional(),
  captureMode,
  defaultEndpoint: defaultEndpoint.optional(),
})

export const sidecarSpec = z.strictObject({
  workloadSelector: z.strictObject({ labels: z.record(z.string(), z.string()).default({}) }).optional(),
  egress: z
    .array(z.strictObject({ hosts: z.array(egressHost).min(1) }))
    .min(1)
    .optional(),
  ingress: z.array(ingress).superRefine(eachPortOnce).default([]),
  outboundTrafficPolicy: z
    .strictObject({ mode: z.enum(['ALLOW_ANY', 'REGISTRY_ONLY']).default('ALLOW_ANY') })
    .optional(),
})

function eachPortOnce(listeners: readonly IngressSpec[], { addIssue }: z.core.$RefinementCtx): void {
  const numbers = listeners.map(({ port: { number } }) => number)
  for (const [index, number] of numbers.entries()) {
    const first = numbers.indexOf(number)
    if (first < index)
      addIssue({
        code: 'custom',
        path: [index, 'port', 'number'],
        message: `is the port of spec.ingress[${first}], too`,
      })
  }
}

export type IngressSpec = z.output<typeof ingress>
export type SidecarSpec = z.output<typeof sidecarSpec>
