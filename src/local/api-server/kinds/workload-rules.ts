import { deepEqual, type JsonObject, numberAt, objectAt, stringAt } from '../json.ts'
import { stringMap } from '../metadata.ts'
import { matchesSelector, parseLabelSelector } from '../selectors.ts'
import { type Cause, invalidValue, required, unsupportedValue } from '../status-error.ts'
import { fill, mapAt } from './fill.ts'
import { completePodSpec } from './pod-defaults.ts'
import { validatePodSpec } from './pod-validation.ts'
import type { KindContext, KindRules } from './resource.ts'

const withTemplate = (spec: JsonObject): JsonObject => mapAt(spec, ['template', 'spec'], completePodSpec)

const rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%' }

function completeDeployment(spec: JsonObject): JsonObject {
  const strategy = objectAt(spec, 'strategy') ?? {}
  const type = stringAt(strategy, 'type') ?? 'RollingUpdate'
  const rolling =
    type === 'RollingUpdate' ? { rollingUpdate: fill(objectAt(strategy, 'rollingUpdate') ?? {}, rollingUpdate) } : {}
  return fill(
    { ...spec, strategy: { ...strategy, type, ...rolling } },
    { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 },
  )
}

const rules = (complete: (spec: JsonObject) => JsonObject, validate: KindRules['validate']): KindRules => ({
  fillDefaults: (object) => mapAt(object, ['spec'], (spec) => complete(withTemplate(spec))),
  ...(validate === undefined ? {} : { validate }),
})

export const deploymentRules: KindRules = rules(completeDeployment, (object, context) => {
  const type = stringAt(object, 'spec', 'strategy', 'type') ?? ''
  const types = ['Recreate', 'RollingUpdate']
  return [
    ...validateWorkload(object, context),
    ...(types.includes(type) ? [] : [unsupportedValue('spec.strategy.type', type, types)]),
  ]
})

export const replicaSetRules: KindRules = rules((spec) => fill(spec, { replicas: 1 }), validateWorkload)

export const statefulSetRules: KindRules = rules(
  (spec) =>
    fill(spec, {
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      revisionHistoryLimit: 10,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    }),
  validateWorkload,
)

export const daemonSetRules: KindRules = rules(
  (spec) =>
    fill(spec, {
      revisionHistoryLimit: 10,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    }),
  validateWorkload,
)

const completeJob = (spec: JsonObject): JsonObject =>
  fill(spec, { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false })

export const jobRules: KindRules = rules(completeJob, (object) =>
  validatePodSpec(objectAt(object, 'spec', 'template', 'spec'), 'spec.template.spec'),
)

export const cronJobRules: KindRules = {
  fillDefaults: (object) =>
    mapAt(
      mapAt(object, ['spec'], (spec) =>
        fill(spec, {
          concurrencyPolicy: 'Allow',
          suspend: false,
          successfulJobsHistoryLimit: 3,
          failedJobsHistoryLimit: 1,
        }),
      ),
      ['spec', 'jobTemplate', 'spec'],
      withTemplate,
    ),
}

function validateWorkload(object: JsonObject, context: KindContext): readonly Cause[] {
  const selector = objectAt(object, 'spec', 'selector')
  const replicas = numberAt(object, 'spec', 'replicas') ?? 0
  const before = context.previous
  const moved = before !== undefined && !deepEqual(objectAt(before, 'spec', 'selector'), selector)
  return [
    ...(replicas < 0 ? [invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0')] : []),
    ...validateSelector(object, selector),
    ...(moved ? [invalidValue('spec.selector', selector, 'field is immutable')] : []),
    ...validatePodSpec(objectAt(object, 'spec', 'template', 'spec'), 'spec.template.spec'),
  ]
}

function validateSelector(object: JsonObject, selector: JsonObject | undefined): readonly Cause[] {
  const labels = objectAt(object, 'spec', 'template', 'metadata', 'labels')
  const mismatch = invalidValue(
    'spec.template.metadata.labels',
    labels ?? {},
    '`selector` does not match template `labels`',
  )
  if (selector === undefined) return [required('spec.selector'), mismatch]
  if (Object.keys(selector).length === 0) {
    return [invalidValue('spec.selector', selector, 'empty selector is invalid for deployment')]
  }
  if (matchesSelector(parseLabelSelector(selector), stringMap(labels))) return []
  return [mismatch]
}
