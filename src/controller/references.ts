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

export interface FoundTemplate {
  readonly template?: MetricTemplate | undefined
  readonly refusal?: Cause | undefined
}

export function findTemplate(
  canary: Canary,
  metric: Metric,
  copies: LocalCopies,
  policy: ReferencePolicy,
): FoundTemplate {
  const { templateRef } = metric
  if (templateRef === undefined) return {}
  if (isForbidden(canary, templateRef.namespace, policy)) {
    return { refusal: crossNamespace(`metric ${metric.name}`, `MetricTemplate ${templateRef.name}`) }
  }
  const namespace = templateRef.namespace ?? canary.metadata.namespace
  const template = copies.templates.get({ namespace, name: templateRef.name })
  if (template) return { template }
  const message = `metric ${metric.name} names the MetricTemplate ${namespace}/${templateRef.name}, which does not exist`
  return { refusal: { reason: 'TemplateNotFound', message } }
}

export const isForbidden = (canary: Canary, namespace: string | undefined, policy: ReferencePolicy): boolean =>
  namespace !== undefined && namespace !== canary.metadata.namespace && !policy.allowCrossNamespaceReferences

const crossNamespace = (user: string, used: string): Cause => ({
  reason: 'CrossNamespaceReference',
  message: `${user} names the ${used} of another namespace, which this controller does not allow`,
})
