import type {
  Canary,
  HorizontalPodAutoscaler,
  KubernetesObject,
  ScaledObject,
  ScaleTargetReference,
  ScaleTrigger,
} from '../../api/index.ts'
import { isSameJson } from '../../base/index.ts'
import { marksOf, placeBeside } from '../../traffic/index.ts'
import { primaryNameOf } from '../workload/primary.ts'

export type Autoscaler = HorizontalPodAutoscaler | ScaledObject
export type AutoscalerReference = NonNullable<Canary['spec']['autoscalerRef']>

export const isScaledObject = (autoscaler: Autoscaler): autoscaler is ScaledObject => 'triggers' in autoscaler.spec

export const primaryAutoscalerNameOf = ({ name }: AutoscalerReference): string => `${name}-primary`

/** The same autoscaler for the primary, within the bounds and by the queries that the Canary sets. */
export function renderPrimaryAutoscaler(
  canary: Canary,
  reference: AutoscalerReference,
  source: Autoscaler,
  existing: KubernetesObject | undefined,
): Autoscaler {
  const metadata = existing?.metadata ?? {
    ...placeBeside(canary, primaryAutoscalerNameOf(reference)),
    annotations: marksOf(canary),
  }
  const { apiVersion, kind } = source
  return isScaledObject(source)
    ? { apiVersion, kind, metadata, spec: renderScaledObject(canary, reference, source) }
    : { apiVersion, kind, metadata, spec: renderHorizontal(canary, reference, source) }
}

export const isAsWanted = (wanted: Autoscaler, existing: Autoscaler | undefined): boolean =>
  existing !== undefined && isSameJson(wanted.spec, existing.spec)

function renderHorizontal(
  canary: Canary,
  { primaryScalerReplicas: { minReplicas, maxReplicas } = {} }: AutoscalerReference,
  { spec }: HorizontalPodAutoscaler,
): HorizontalPodAutoscaler['spec'] {
  return {
    ...spec,
    scaleTargetRef: toPrimary(canary, spec.scaleTargetRef),
    ...(minReplicas === undefined ? {} : { minReplicas }),
    ...(maxReplicas === undefined ? {} : { maxReplicas }),
  }
}

function renderScaledObject(
  canary: Canary,
  { primaryScalerReplicas: { minReplicas, maxReplicas } = {}, primaryScalerQueries = {} }: AutoscalerReference,
  { spec }: ScaledObject,
): ScaledObject['spec'] {
  const { advanced } = spec
  const ownName = advanced?.horizontalPodAutoscalerConfig?.name
  return {
    ...spec,
    scaleTargetRef: toPrimary(canary, spec.scaleTargetRef),
    ...(minReplicas === undefined ? {} : { minReplicaCount: minReplicas }),
    ...(maxReplicas === undefined ? {} : { maxReplicaCount: maxReplicas }),
    ...(ownName === undefined
      ? {}
      : {
          advanced: {
            ...advanced,
            horizontalPodAutoscalerConfig: {
              ...advanced?.horizontalPodAutoscalerConfig,
              name: `${ownName}-primary`,
            },
          },
        }),
    triggers: spec.triggers.map((trigger) => renderTrigger(canary, trigger, primaryScalerQueries)),
  }
}

function renderTrigger(
  canary: Canary,
  trigger: ScaleTrigger,
  queries: NonNullable<AutoscalerReference['primaryScalerQueries']>,
): ScaleTrigger {
  const { query } = trigger.metadata
  if (query === undefined) return trigger
  const own = trigger.name === undefined ? undefined : queries[trigger.name]
  return { ...trigger, metadata: { ...trigger.metadata, query: own ?? namePrimary(canary, query) } }
}

/** Only where the name stands alone: `web` in `web-canary`, `webhook` or `web_requests_total` means something else. */
function namePrimary(canary: Canary, query: string): string {
  const name = canary.spec.targetRef.name.replaceAll(/[.]/g, '[.]')
  return query.replaceAll(new RegExp(`(?<![\\w-])${name}(?![\\w-])`, 'g'), primaryNameOf(canary))
}

const toPrimary = (canary: Canary, reference: ScaleTargetReference): ScaleTargetReference => ({
  ...reference,
  name: primaryNameOf(canary),
})
