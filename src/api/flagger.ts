import { z } from 'zod'
import type { AlertProvider } from './alert-provider.ts'
import type { Canary } from './canary.ts'
import type { CustomResource } from './crd.ts'
import type { ResourceKind } from './kubernetes/meta.ts'
import type { MetricTemplate } from './metric-template.ts'
import { phaseSchema } from './phase.ts'
import { objectMetaSchema } from './schema.ts'

/** Flagger's own kinds. Their specs are open: every field of Flagger's is taken, whether it is understood or not. */
const GROUP = 'flagger.app'

const flaggerKind = { group: GROUP, version: 'v1beta1', namespaced: true } as const

/** Objects of these kinds are read and written as Flagger has them; room `flagger` says what they mean. */
export const flaggerCanaryKind: ResourceKind<Canary> = { ...flaggerKind, kind: 'Canary', plural: 'canaries' }
export const flaggerMetricTemplateKind: ResourceKind<MetricTemplate> = {
  ...flaggerKind,
  kind: 'MetricTemplate',
  plural: 'metrictemplates',
}
export const flaggerAlertProviderKind: ResourceKind<AlertProvider> = {
  ...flaggerKind,
  kind: 'AlertProvider',
  plural: 'alertproviders',
}

/** Flagger's own, where `revertOnDeletion` is set. */
export const flaggerFinalizer = 'finalizer.flagger.app'

/** Whether an object is of Flagger's group. */
export const isOfFlagger = ({ apiVersion }: { readonly apiVersion: string }): boolean =>
  apiVersion.startsWith(`${GROUP}/`)

const object = { apiVersion: z.string(), kind: z.string(), metadata: objectMetaSchema } as const
const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string(),
  message: z.string().optional(),
  lastUpdateTime: z.string().optional(),
  lastTransitionTime: z.string().optional(),
})

/** What Flagger's CRD keeps of a status: everything else is pruned. */
const statusSchema = z.object({
  phase: phaseSchema.optional(),
  failedChecks: z.number().optional(),
  canaryWeight: z.number().optional(),
  iterations: z.number().optional(),
  trackedConfigs: z.record(z.string(), z.string()).optional(),
  lastAppliedSpec: z.string().optional(),
  lastPromotedSpec: z.string().optional(),
  lastTransitionTime: z.string().optional(),
  sessionAffinityCookie: z.string().optional(),
  previousSessionAffinityCookie: z.string().optional(),
  primarySessionAffinityCookie: z.string().optional(),
  conditions: z.array(condition).optional(),
})

const canarySchema = z.object({
  ...object,
  spec: z.looseObject({
    targetRef: z.looseObject({ kind: z.string(), name: z.string() }),
    service: z.looseObject({ port: z.number() }).optional(),
    analysis: z.looseObject({ interval: z.string().optional(), threshold: z.number().optional() }),
  }),
  status: statusSchema.optional(),
})

const text = (name: string, jsonPath: string) => ({ name, type: 'string', jsonPath })

export const flaggerResources: readonly CustomResource[] = [
  {
    kind: flaggerCanaryKind,
    schema: canarySchema,
    description: 'A Canary of Flagger.',
    categories: ['all'],
    columns: [
      text('Status', '.status.phase'),
      { name: 'Weight', type: 'number', jsonPath: '.status.canaryWeight' },
      text('LastTransitionTime', '.status.lastTransitionTime'),
    ],
  },
  {
    kind: flaggerMetricTemplateKind,
    schema: z.object({ ...object, spec: z.looseObject({ query: z.string() }) }),
    description: 'A MetricTemplate of Flagger.',
    categories: ['all'],
    columns: [text('Provider', '.spec.provider.type')],
  },
  {
    kind: flaggerAlertProviderKind,
    schema: z.object({ ...object, spec: z.looseObject({ type: z.string() }) }),
    description: 'An AlertProvider of Flagger.',
    categories: ['all'],
    columns: [text('Type', '.spec.type')],
  },
]
