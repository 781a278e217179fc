import { z } from 'zod'

const egressHost = z
  .string()
  .regex(
    /^(\*|\.|~|[a-z0-9]([a-z0-9-]*[a-z0-9])?)\/(\*|(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+)$/,
    'must be namespace/host with the full name of the host, such as "./web.shop.svc.cluster.local" or "istio-system/*"',
  )

export const sidecarSpec = z.strictObject({
  workloadSelector: z.strictObject({ labels: z.record(z.string(), z.string()).default({}) }).optional(),
  egress: z
    .array(z.strictObject({ hosts: z.array(egressHost).min(1) }))
    .min(1)
    .optional(),
  outboundTrafficPolicy: z
    .strictObject({ mode: z.enum(['ALLOW_ANY', 'REGISTRY_ONLY']).default('ALLOW_ANY') })
    .optional(),
})

export type SidecarSpec = z.output<typeof sidecarSpec>
