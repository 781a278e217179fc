import { expect, test } from 'vitest'
import type { Deployment, PodAffinity, PodSpec } from '../../src/api/index.ts'
import { promotePrimary, renderPrimary } from '../../src/controller/workload/primary.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { buildDeployment } from '../support/release-cluster.ts'

const near = (app: string): PodAffinity => {
  const labels = { labelSelector: { matchLabels: { app, tier: 'front' } }, topologyKey: 'zone' }
  const values = { key: 'app', operator: 'In' as const, values: [app, 'cart'] }
  const expressions = { labelSelector: { matchExpressions: [values] }, topologyKey: 'kubernetes.io/hostname' }
  return {
    requiredDuringSchedulingIgnoredDuringExecution: [labels],
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: expressions }],
  }
}

/** Rules about the pods of `app`, and some that are about others. */
const placed = (app: string): Pick<PodSpec, 'affinity' | 'topologySpreadConstraints'> => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } },
    podAffinity: near(app),
    podAntiAffinity: near(app),
  },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app } } },
    {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: {
        matchLabels: { app: 'cart', web: 'web' },
        matchExpressions: [{ key: 'app', operator: 'Exists' }],
      },
    },
    { maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' },
  ],
})

const deployment = (image: string): Deployment => {
  const { spec, metadata, ...rest } = buildDeployment('web', image)
  const template = { ...spec.template, spec: { ...spec.template.spec, ...placed('web') } }
  const labels = { app: 'web', 'app.kubernetes.io/instance': 'shop', 'kustomize.toolkit.fluxcd.io/name': 'shop' }
  return { ...rest, metadata: { ...metadata, labels }, spec: { ...spec, template } }
}

const source = (image: string) => ({
  canary: buildCanary(),
  target: deployment(image),
  label: { key: 'app', value: 'web' },
  configs: new Map(),
})

test('pods of the primary keep near and apart among themselves, as those of the workload do', () => {
  const primary = renderPrimary(source('web:1'))
  const promoted = promotePrimary(primary, source('web:2'))
  for (const { spec } of [primary, promoted]) expect(spec.template.spec).toMatchObject(placed('web-primary'))
  expect(promoted.spec.template.spec.containers[0]?.image).toBe('web:2')
})

test('a primary has no label by which a GitOps tool would take it for its own', () => {
  expect(renderPrimary(source('web:1')).metadata.labels).toEqual({ app: 'web-primary' })
})
