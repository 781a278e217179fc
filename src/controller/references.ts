import type { Canary, Metric, MetricTemplate } from '../api/index.ts'
import type { Cause } from '../canary/index.ts'
import type { LocalCopies } from './local-copies.ts'

export interface ReferencePolicy {
  /** References to other namespaces let one team use what another team's Secrets protect. */
  readonly allowCrossNamespaceReferences: boolean
}

/** The first reference of a Canary that can not or must not be followed. */
export function findBadReference(canary: Canary, copies: LocalCopies, policy: ReferencePolicy): Cause | undefined {
  const { metrics = [], alerts = [] } = canary.spec.analysis
  for (const metric of metrics) {
    const found = findTemplate(canary, metric, copies, policy)
    if (found.refusal) return found.refusal
  }
  const foreign = alerts.find(({ providerRef }) => isForbidden(canary, providerRef.namespace, policy))
  return foreign && crossNamespace(`alert ${foreign.name}`, `AlertProvider ${foreign.providerRef.name}`)
}

/** Where templates are looked up: the local copies, or what a command has read. */
export interface Templates {
  readonly templates: Pick<LocalCopies['templates'], 'get'>
  readonly clusterTemplates: Pick<LocalCopies['clusterTemplates'], 'get'>
}

export interface FoundTemplate {
  readonly template?: MetricTemplate | undefined
  readonly refusal?: Cause | undefined
}

export function findTemplate(
  canary: Canary,
  metric: Metric,
  copies: Templates,
  policy: ReferencePolicy,
): FoundTemplate {
  const { templateRef } = metric
  if (templateRef === undefined) return {}
  if (isForbidden(canary, templateRef.namespace, policy)) {
    return { refusal: crossNamespace(`metric ${metric.name}`, `MetricTemplate ${templateRef.name}`) }
  }
  const { kind = 'MetricTemplate', name, namespace = canary.metadata.namespace } = templateRef
  const isClusterWide = kind === 'ClusterMetricTemplate'
  const template = isClusterWide ? copies.clusterTemplates.get({ name }) : copies.templates.get({ namespace, name })
  if (template) return { template }
  const missing = isClusterWide ? name : `${namespace}/${name}`
  const message = `metric ${metric.name} names the ${kind} ${missing}, which does not exist: create it or correct templateRef`
  return { refusal: { reason: 'TemplateNotFound', message } }
}

export const isForbidden = (canary: Canary, namespace: string | undefined, policy: ReferencePolicy): boolean =>
  namespace !== undefined && namespace !== canary.metadata.namespace && !policy.allowCrossNamespaceReferences

const crossNamespace = (user: string, used: string): Cause => ({
  reason: 'CrossNamespaceReference',
  message: `${user} names the ${used} of another namespace, which is not allowed: name one of this namespace, or start the controller with --allow-cross-namespace-refs`,
})
