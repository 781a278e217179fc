import { z } from 'zod'

const quantities = z.record(z.string(), z.union([z.string(), z.number()]))

export const defaultConcurrency = 2
export const defaultResources = {
  requests: { cpu: '100m', memory: '128Mi' },
  limits: { cpu: '500m', memory: '256Mi' },
}

/** What injected sidecars are made of; the chart writes it from its values. */
export const injectionSettingsSchema = z.strictObject({
  /** Has the programs `envoy` and `iptables-restore` on its PATH. */
  image: z.string().min(1),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional(),
  /** `host:port` of the mesh, as pods reach it. */
  xds: z.string().regex(/^[^:]+:\d{1,5}$/, 'must be host:port'),
  /** Worker threads; 0 is one for each of the machine's cores. */
  concurrency: z.int().min(0).default(defaultConcurrency),
  resources: z
    .strictObject({ requests: quantities.optional(), limits: quantities.optional() })
    .default(defaultResources),
})

export type InjectionSettings = z.output<typeof injectionSettingsSchema>
