import { z } from 'zod'
import { trafficPolicySchema } from './istio/networking-schema.ts'

const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/
const APP_PROTOCOL = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/

const keysSchema = z.array(z.string().max(317)).max(64)

const metadataSchema = z.object({
  labels: z
    .record(z.string().max(317), z.string().max(63).regex(LABEL_VALUE))
    .optional()
    .describe('Labels, beside the one that Sluice sets.'),
  annotations: z
    .record(z.string().max(317), z.string().max(65536))
    .optional()
    .describe('Annotations; those of Flux and of Sluice are left out.'),
})

/** Fields of `service` that say how the Services and DestinationRules are written, not who is served by what. */
export const serviceObjectFields = {
  appProtocol: z
    .string()
    .max(317)
    .regex(APP_PROTOCOL)
    .optional()
    .describe(
      'Protocol of the port, in the words of Kubernetes; goes before the prefix of the name. With `tcp`, weights are shares of connections.',
    ),
  trafficDistribution: z
    .enum(['PreferClose', 'PreferSameZone', 'PreferSameNode'])
    .optional()
    .describe('Which endpoints of the Services Kubernetes prefers.'),
  portDiscovery: z
    .boolean()
    .optional()
    .describe(
      'Give the Services the other ports of the containers, too, except those of containers istio-proxy and envoy.',
    ),
  headless: z.boolean().optional().describe('Make the Services without an address; those that exist keep theirs.'),
  apex: metadataSchema.optional().describe('Metadata of the apex Service, where Sluice made it.'),
  primary: metadataSchema.optional().describe('Metadata of the Service of the primary.'),
  canary: metadataSchema.optional().describe('Metadata of the Service of the new version.'),
  unmanagedMetadata: z
    .object({
      labels: keysSchema.optional().describe('Keys of labels.'),
      annotations: keysSchema.optional().describe('Keys of annotations.'),
    })
    .optional()
    .describe('Metadata of the Services that others set: its values are neither changed nor taken away.'),
  trafficPolicy: trafficPolicySchema
    .optional()
    .describe('Policy of Istio for both versions: a DestinationRule for each of their Services has it.'),
} as const

export type ServiceMetadata = z.output<typeof metadataSchema>
