import { alertProviderKind, alertProviderSchema } from './alert-provider.ts'
import { canaryKind, canarySchema } from './canary.ts'
import { canaryRunKind, canaryRunSchema } from './canary-run.ts'
import { type CustomResource, crdFor, type PrinterColumn } from './crd.ts'
import { flaggerResources } from './flagger.ts'
import { imagePolicyKind, imagePolicySchema } from './image-policy.ts'
import { destinationRuleKind, gatewayKind, virtualServiceKind } from './istio/networking.ts'
import { destinationRuleSchema, gatewaySchema, virtualServiceSchema } from './istio/networking-schema.ts'
import {
  authorizationPolicyKind,
  authorizationPolicySchema,
  peerAuthenticationKind,
  peerAuthenticationSchema,
  requestAuthenticationKind,
  requestAuthenticationSchema,
} from './istio/security.ts'
import { serviceEntryKind, serviceEntrySchema, workloadEntryKind, workloadEntrySchema } from './istio/service-entry.ts'
import { sidecarKind, sidecarSchema } from './istio/sidecar.ts'
import { telemetryKind, telemetrySchema } from './istio/telemetry.ts'
import type { CustomResourceDefinition } from './kubernetes/core.ts'
import { localImageKind, localImageSchema } from './local-image.ts'
import { clusterMetricTemplateKind, metricTemplateKind, metricTemplateSchema } from './metric-template.ts'

const text = (name: string, jsonPath: string): PrinterColumn => ({ name, type: 'string', jsonPath })
const number = (name: string, jsonPath: string): PrinterColumn => ({ name, type: 'integer', jsonPath })
const wide = (column: PrinterColumn): PrinterColumn => ({ ...column, priority: 1 })
const condition = (type: string, field: string): string => `.status.conditions[?(@.type=="${type}")].${field}`
const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }

/** The first three and the next seven are Flagger's, in its order: scripts cut these columns out. */
const canary: CustomResource = {
  kind: canaryKind,
  schema: canarySchema,
  description: 'A workload whose new versions are released step by step, each step held to evidence.',
  shortNames: ['can'],
  categories: ['all', 'sluice', 'progressive-delivery'],
  columns: [
    text('Status', '.status.phase'),
    number('Weight', '.status.canaryWeight'),
    text('LastTransitionTime', '.status.lastTransitionTime'),
    wide({ name: 'Suspended', type: 'boolean', jsonPath: '.spec.suspend' }),
    wide(number('FailedChecks', '.status.failedChecks')),
    wide(text('Interval', '.spec.analysis.interval')),
    wide({ name: 'Mirror', type: 'boolean', jsonPath: '.spec.analysis.mirror' }),
    wide(number('StepWeight', '.spec.analysis.stepWeight')),
    wide(text('StepWeights', '.spec.analysis.stepWeights')),
    wide(number('MaxWeight', '.spec.analysis.maxWeight')),
    wide(number('PassedChecks', '.status.iterations')),
    wide(text('Run', '.status.runName')),
    wide(text('Reason', condition('Promoted', 'reason'))),
    wide(text('Message', '.status.message')),
    wide(age),
  ],
}

const canaryRun: CustomResource = {
  kind: canaryRunKind,
  schema: canaryRunSchema,
  description: 'One release of a Canary: its steps and the verdicts that moved it.',
  shortNames: ['canrun'],
  categories: ['sluice', 'progressive-delivery'],
  columns: [
    text('Canary', '.spec.canary'),
    text('Phase', '.status.phase'),
    text('Reason', '.status.reason'),
    wide(text('Revision', '.spec.revision')),
    wide(text('Ended', '.status.endedAt')),
    wide(text('Message', '.status.message')),
    age,
  ],
}

const metricTemplate: CustomResource = {
  kind: metricTemplateKind,
  schema: metricTemplateSchema,
  description: 'A query that Canaries use as a metric.',
  categories: ['sluice', 'progressive-delivery'],
  columns: [text('Provider', '.spec.provider.type'), wide(age)],
}

const clusterMetricTemplate: CustomResource = {
  ...metricTemplate,
  kind: clusterMetricTemplateKind,
  description: 'A query that Canaries of every namespace use as a metric.',
}

const alertProvider: CustomResource = {
  kind: alertProviderKind,
  schema: alertProviderSchema,
  description: 'A place that notices of releases are sent to.',
  categories: ['sluice', 'progressive-delivery'],
  columns: [text('Type', '.spec.type'), wide(age)],
}

const imagePolicy: CustomResource = {
  kind: imagePolicyKind,
  schema: imagePolicySchema,
  description: 'Keeps the image of a workload at the newest tag of a range.',
  categories: ['sluice', 'progressive-delivery'],
  columns: [
    text('Image', '.spec.image'),
    text('Range', '.spec.semver.range'),
    text('Latest', '.status.latestTag'),
    text('Ready', condition('Ready', 'status')),
    wide(text('Message', condition('Ready', 'message'))),
    age,
  ],
}

const localImage: CustomResource = {
  kind: localImageKind,
  schema: localImageSchema,
  description: 'The program that stands for an image on the local platform.',
  categories: ['sluice'],
  columns: [
    text('Repository', '.spec.repository'),
    text('Tags', '.spec.tagPattern'),
    wide(text('Command', '.spec.argv')),
    age,
  ],
}

const istio = { alsoServed: ['v1beta1', 'v1alpha3'], categories: ['istio-io', 'networking-istio-io'] } as const

const virtualService: CustomResource = {
  ...istio,
  kind: virtualServiceKind,
  schema: virtualServiceSchema,
  description: 'Routing of requests to hosts.',
  shortNames: ['vs'],
  columns: [
    text('Gateways', '.spec.gateways'),
    text('Hosts', '.spec.hosts'),
    wide(text('Programmed', condition('Programmed', 'status'))),
    age,
  ],
}

const destinationRule: CustomResource = {
  ...istio,
  kind: destinationRuleKind,
  schema: destinationRuleSchema,
  description: 'Policies and subsets of a Service.',
  shortNames: ['dr'],
  columns: [text('Host', '.spec.host'), age],
}

const gateway: CustomResource = {
  ...istio,
  kind: gatewayKind,
  schema: gatewaySchema,
  description: 'Ports at the edge of the mesh.',
  shortNames: ['gw'],
  columns: [age],
}

const sidecar: CustomResource = {
  ...istio,
  kind: sidecarKind,
  schema: sidecarSchema,
  description: 'What the proxies of some workloads know of the mesh.',
  columns: [age],
}

const serviceEntry: CustomResource = {
  ...istio,
  kind: serviceEntryKind,
  schema: serviceEntrySchema,
  description: 'Hosts that no Service of the cluster stands for.',
  shortNames: ['se'],
  columns: [
    text('Hosts', '.spec.hosts'),
    text('Location', '.spec.location'),
    text('Resolution', '.spec.resolution'),
    age,
  ],
}

const workloadEntry: CustomResource = {
  ...istio,
  kind: workloadEntryKind,
  schema: workloadEntrySchema,
  description: 'A process outside of the cluster.',
  shortNames: ['we'],
  columns: [text('Address', '.spec.address'), age],
}

const istioSecurity = { alsoServed: ['v1beta1'], categories: ['istio-io', 'security-istio-io'] } as const

const peerAuthentication: CustomResource = {
  ...istioSecurity,
  kind: peerAuthenticationKind,
  schema: peerAuthenticationSchema,
  description: 'Whether callers must show a certificate of the mesh.',
  shortNames: ['pa'],
  columns: [text('Mode', '.spec.mtls.mode'), age],
}

const authorizationPolicy: CustomResource = {
  ...istioSecurity,
  kind: authorizationPolicyKind,
  schema: authorizationPolicySchema,
  description: 'Who may ask for what.',
  shortNames: ['ap'],
  columns: [text('Action', '.spec.action'), age],
}

const requestAuthentication: CustomResource = {
  ...istioSecurity,
  kind: requestAuthenticationKind,
  schema: requestAuthenticationSchema,
  description: 'Which tokens a request may carry.',
  shortNames: ['ra'],
  columns: [age],
}

const telemetry: CustomResource = {
  kind: telemetryKind,
  schema: telemetrySchema,
  description: 'What proxies tell: spans, access logs and metrics.',
  alsoServed: ['v1alpha1'],
  shortNames: ['telemetry'],
  categories: ['istio-io', 'telemetry-istio-io'],
  columns: [age],
}

/** Sluice's own kinds, for every cluster. */
export const allCustomResourceDefinitions: readonly CustomResourceDefinition[] = [
  canary,
  canaryRun,
  metricTemplate,
  clusterMetricTemplate,
  alertProvider,
  imagePolicy,
].map(crdFor)

/** Istio's kinds as far as the mesh reads them, for clusters that have no Istio. */
export const istioCustomResourceDefinitions: readonly CustomResourceDefinition[] = [
  virtualService,
  destinationRule,
  gateway,
  sidecar,
  serviceEntry,
  workloadEntry,
  peerAuthentication,
  authorizationPolicy,
  requestAuthentication,
  telemetry,
].map(crdFor)

/** Flagger's kinds with open specs, for clusters that never had Flagger. */
export const flaggerCustomResourceDefinitions: readonly CustomResourceDefinition[] = flaggerResources.map(crdFor)

/** Kinds that only the local platform has. */
export const localCustomResourceDefinitions: readonly CustomResourceDefinition[] = [localImage].map(crdFor)
