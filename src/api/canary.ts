import { z } from 'zod'
import { analysisMatchSchema } from './analysis-match.ts'
import { autoscalerRefSchema } from './autoscaler-ref.ts'
import { analysisRules, specRules } from './canary-rules.ts'
import { connectionRules } from './connection-rules.ts'
import { manualGateSchema } from './gates.ts'
import { guardSchema } from './guard.ts'
import type { KubernetesObject, ResourceKind } from './kubernetes/meta.ts'
import { metricSchema } from './metric.ts'
import { metricsProviderSchema } from './metrics-provider.ts'
import { phaseSchema } from './phase.ts'
import { matchesRule } from './request-conditions.ts'
import { mapListBy, withRules } from './rules.ts'
import {
  conditionsSchema,
  durationSchema,
  intervalSchema,
  nameSchema,
  namespaceNameSchema,
  objectMetaSchema,
  webAddressSchema,
} from './schema.ts'
import { serviceObjectFields } from './service-objects.ts'
import { mirroredRule, routingFields, serviceRules } from './service-routing.ts'
import { sessionAffinitySchema } from './session-affinity.ts'
import { strategyRules } from './strategy-rules.ts'

const weightSchema = z.int().min(0).max(100)

const targetRefSchema = z.object({
  apiVersion: z.string().max(253).default('apps/v1').describe('API version of the workload.'),
  kind: z
    .enum(['Deployment', 'DaemonSet', 'Service', 'StatefulSet'])
    .describe(
      'Kind of the workload, or a Service whose selector is what changes; a StatefulSet is not released, and the Canary says why.',
    ),
  name: nameSchema.describe('Name of the workload or Service, in the namespace of the Canary.'),
})

const plainServiceSchema = z.object({
  name: z
    .string()
    .min(1)
    .max(55)
    .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/)
    .optional()
    .describe('Name of the apex Service; the name of the workload when absent.'),
  port: z.int().min(1).max(65535).describe('Port of the three Services.'),
  portName: z.string().max(15).default('http').describe('Name of the port; its prefix tells the protocol.'),
  targetPort: z
    .union([z.int().min(1).max(65535), z.string().max(63)])
    .optional()
    .describe('Port of the pods, by number or name; the port of the Service when absent.'),
  gateways: z
    .array(z.string().max(253))
    .max(32)
    .optional()
    .describe('Gateways that publish the Service; `mesh` keeps it inside too.'),
  hosts: z
    .array(z.string().max(253))
    .max(32)
    .optional()
    .describe('Further host names of the route, beside the Service.'),
  timeout: durationSchema.optional().describe('Time limit of one request, retries included.'),
  retries: z
    .object({
      attempts: z.int().min(0).max(10).describe('Retries after the first try.'),
      perTryTimeout: durationSchema.optional().describe('Time limit of each try.'),
      retryOn: z.string().max(253).optional().describe('Conditions of a retry, in the words of Envoy.'),
    })
    .optional()
    .describe('Retries of failed requests.'),
  ...serviceObjectFields,
  ...routingFields,
})

const serviceSchema = withRules(plainServiceSchema, serviceRules)

export const webhookTypeSchema = z.enum([
  'confirm-rollout',
  'pre-rollout',
  'rollout',
  'confirm-traffic-increase',
  'confirm-promotion',
  'post-rollout',
  'rollback',
  'event',
])

const webhookSchema = z.object({
  name: nameSchema.describe('Name shown in events and reports.'),
  type: webhookTypeSchema.default('rollout').describe('Place in the release at which it is called.'),
  url: webAddressSchema.describe('Address that gets a POST of the payload.'),
  timeout: durationSchema.default('10s').describe('Time limit of one call.'),
  retries: z.int().min(0).max(10).default(0).describe('Further calls after a network error or a 5xx.'),
  metadata: z.record(z.string().max(63), z.string().max(4096)).optional().describe('Handed on in the payload.'),
  disableTLS: z.boolean().optional().describe('Take whatever certificate the receiver of an https address shows.'),
  muteAlert: z.boolean().optional().describe('Alert nobody when this gate says no.'),
})

const alertSchema = z.object({
  name: nameSchema.describe('Name shown in the log.'),
  severity: z.enum(['info', 'warn', 'error']).default('info').describe('Least severity that is sent.'),
  providerRef: z
    .object({
      name: nameSchema.describe('Name of the AlertProvider.'),
      namespace: namespaceNameSchema
        .optional()
        .describe('Namespace of the AlertProvider; that of the Canary when absent.'),
    })
    .describe('AlertProvider that receives it.'),
})

const plainAnalysisSchema = z.object({
  interval: intervalSchema.default('30s').describe('Time between two checks and length of their window; at least 1s.'),
  threshold: z.int().min(1).max(1000).default(3).describe('Failed checks of a run after which it is rolled back.'),
  mirror: z.boolean().default(true).describe('Pass a step of mirrored traffic before the first weight.'),
  mirrorWeight: weightSchema.default(100).describe('Percentage of requests that is mirrored.'),
  mirrorMethods: z
    .array(
      z
        .string()
        .max(16)
        .regex(/^[A-Z]+$/),
    )
    .max(9)
    .default(['GET', 'HEAD', 'OPTIONS'])
    .describe('Methods that are mirrored: a doubled POST is a double charge.'),
  mirrorIterations: z.int().min(1).max(1000).default(1).describe('Passing checks that the mirrored step needs.'),
  stepWeight: z.int().min(1).max(100).optional().describe('Weight that each step adds.'),
  stepWeights: z.array(weightSchema.min(1)).min(1).max(100).optional().describe('Weight of each step, ascending.'),
  maxWeight: z.int().min(1).max(100).optional().describe('Largest weight before promotion; 100 when absent.'),
  iterations: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('Passing checks, in place of weights: blue/green, or A/B where `match` is set.'),
  match: z
    .array(analysisMatchSchema)
    .min(1)
    .max(16)
    .optional()
    .describe('A/B: requests that meet one of these all go to the new version, others to the primary.'),
  stepWeightPromotion: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('Weight that goes back to the promoted primary each interval; all at once when absent.'),
  metrics: mapListBy('name', z.array(metricSchema).max(32)).optional().describe('Checks that hold each step.'),
  guard: guardSchema.optional().describe('What may happen between two checks.'),
  sessionAffinity: sessionAffinitySchema
    .optional()
    .describe('Keep users with the version they met while weights move.'),
  manualGates: z
    .array(manualGateSchema)
    .max(3)
    .optional()
    .describe('Gates that are closed until somebody opens them for the revision: `sluice approve`.'),
  primaryReadyThreshold: z
    .int()
    .min(1)
    .max(100)
    .default(100)
    .describe('Percentage of the pods of the primary that must be available; one at least.'),
  canaryReadyThreshold: z
    .int()
    .min(1)
    .max(100)
    .default(100)
    .describe('Percentage of the pods of the new version that must be available; one at least.'),
  webhooks: z.array(webhookSchema).max(32).optional().describe('Calls at the gates of a release.'),
  alerts: z.array(alertSchema).max(32).optional().describe('Who is told of the release.'),
})

const analysisSchema = withRules(plainAnalysisSchema, [...strategyRules, ...analysisRules])

const plainSpecSchema = z.object({
  provider: z
    .enum(['mesh', 'istio'])
    .optional()
    .describe('Who moves traffic; the default of the controller when absent.'),
  metricsServer: webAddressSchema
    .optional()
    .describe('Address of Prometheus; the default of the controller when absent.'),
  metricsProvider: metricsProviderSchema
    .optional()
    .describe('Whose metrics the built-in metrics read; those of the provider when absent.'),
  targetRef: targetRefSchema.describe('Workload that is released.'),
  autoscalerRef: autoscalerRefSchema
    .optional()
    .describe('Autoscaler of the workload; the primary gets one like it, and nobody else sets its replicas.'),
  service: serviceSchema.describe('Services and route of the workload.'),
  dependsOn: mapListBy(
    'name',
    z.array(z.object({ name: nameSchema.describe('Name of a Canary in the same namespace.') })).max(32),
  )
    .optional()
    .describe('Canaries that must stand promoted before a new revision of this one begins.'),
  analysis: analysisSchema.describe('Steps of a release and the evidence they need.'),
  progressDeadlineSeconds: z
    .int()
    .min(1)
    .max(86400)
    .default(600)
    .describe(
      'Seconds that a workload may take to become ready, proxies to take a route, and a release to go without any verdict.',
    ),
  failurePolicy: z
    .enum(['rollback', 'hold', 'freeze'])
    .default('rollback')
    .describe(
      'What a failed release comes to: traffic back and pods away, traffic back and pods kept, or nothing moved at all.',
    ),
  rollbackWindow: durationSchema
    .optional()
    .describe('A revision that was promoted within this time is promoted again without steps and checks.'),
  skipAnalysis: z.boolean().default(false).describe('Promote without steps and checks.'),
  suspend: z.boolean().default(false).describe('Hold everything as it is.'),
  revertOnDeletion: z
    .boolean()
    .default(true)
    .describe('Give the workload its traffic back before a deleted Canary goes; false takes what serves away at once.'),
})

export const canarySpecSchema = withRules(plainSpecSchema, [
  ...specRules,
  ...connectionRules,
  mirroredRule,
  matchesRule,
])

export const canaryStatusSchema = z.object({
  observedGeneration: z.int().optional().describe('Generation of the spec that this status speaks of.'),
  phase: phaseSchema.optional().describe('Phase of the release.'),
  canaryWeight: z.int().optional().describe('Percentage of requests that the new version gets.'),
  mirrorWeight: z.int().optional().describe('Percentage of requests that is mirrored to the new version.'),
  failedChecks: z.int().optional().describe('Failed checks of this run.'),
  iterations: z.int().optional().describe('Passing checks of this step.'),
  lastAppliedSpec: z.string().optional().describe('Hash of the pod template of the newest run.'),
  lastPromotedSpec: z.string().optional().describe('Hash of the pod template that the primary runs.'),
  lastTransitionTime: z.string().optional().describe('Time of the last change of phase.'),
  version: z.string().optional().describe('Images of the newest run, those they replace, and its revision.'),
  runName: z.string().optional().describe('CanaryRun of the newest run.'),
  suspendedAt: z.string().optional().describe('Time since which everything is held by `suspend`.'),
  message: z.string().optional().describe('What the release is doing or waiting for, in one sentence.'),
  history: z.array(z.string()).max(5).optional().describe('One line for each of the last five runs, newest first.'),
  conditions: conditionsSchema.optional().describe('Ready, Reconciling, Stalled (kstatus) and Promoted.'),
})

export const canarySchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: objectMetaSchema,
  spec: canarySpecSchema.describe('Wanted release process.'),
  status: canaryStatusSchema.optional().describe('Observed release.'),
})

/** A Canary after defaults were filled. */
export type CanarySpec = z.output<typeof canarySpecSchema>
export type CanaryStatus = z.output<typeof canaryStatusSchema>
export type Webhook = z.output<typeof webhookSchema>
export type WebhookType = z.output<typeof webhookTypeSchema>
export type Alert = z.output<typeof alertSchema>

export interface Canary extends KubernetesObject {
  readonly spec: CanarySpec
  readonly status?: CanaryStatus
}

export const canaryKind: ResourceKind<Canary> = {
  group: 'sluice.dev',
  version: 'v1',
  kind: 'Canary',
  plural: 'canaries',
  namespaced: true,
}

/** Operator commands are annotations whose value is the revision (`status.lastAppliedSpec`) they are meant for. */
export const promoteAnnotation = 'sluice.dev/promote'
export const abortAnnotation = 'sluice.dev/abort'

/** On a Namespace: how many of its Canaries are released at a time, in place of the controller's own limit; 0 for any. */
export const maxReleasesAnnotation = 'sluice.dev/max-concurrent-releases'

/** Holds a deleted Canary until its workload serves by itself. */
export const canaryFinalizer = 'sluice.dev/canary'
