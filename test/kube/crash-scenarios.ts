import { expect } from 'vitest'
import {
  canaryKind,
  canaryRunKind,
  configMapKind,
  deploymentKind,
  metricTemplateKind,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { unpromotableTag } from '../support/simulated-node.ts'
import type { CrashedApp, CrashHarness } from './crash-harness.ts'
import {
  copiedSettings,
  create,
  createCanary,
  createDeployment,
  createNamespace,
  reading,
  runsOf,
  select,
  selecting,
  setImage,
  settings,
  unaskedTemplate,
  untilEnded,
  untilLeft,
  untilPhase,
  untilRouted,
  versionNamed,
  WITHIN_MS,
  web,
  workloadsOf,
} from './crash-steps.ts'

export interface CrashScenario {
  readonly name: string
  /** At least as many as there are writes. */
  readonly writes: number
  play(stage: CrashHarness, app: CrashedApp): Promise<void>
  end(stage: CrashHarness, app: CrashedApp): Promise<void>
}

/** During each of them the controller dies at each of its writes, one app for each death. */
export const scenarios: readonly CrashScenario[] = [
  {
    name: 'promoted',
    writes: 44,
    async play(stage, app) {
      const types = ['confirm-rollout', 'pre-rollout', 'confirm-promotion', 'post-rollout']
      const webhooks = types.map((type) => ({ name: type, type, url: 'http://gate.example.com/' }))
      await create(stage, app, { webhooks })
      app.count()
      await setImage(stage, app, '1.1.0')
      await untilEnded(stage, app, 'Succeeded')
    },
    async end(stage, app) {
      expect(await workloadsOf(stage, app)).toEqual({ web: 'demo/web:1.1.0 x0', 'web-primary': 'demo/web:1.1.0 x1' })
      expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
    },
  },
  {
    name: 'taken-back',
    writes: 18,
    async play(stage, app) {
      await create(stage, app)
      await setImage(stage, app, '1.1.0')
      await untilRouted(app, '50+0')
      app.count()
      app.verdict = 'failed'
      await untilEnded(stage, app, 'Failed')
    },
    async end(stage, app) {
      expect(await workloadsOf(stage, app)).toEqual({ web: 'demo/web:1.1.0 x0', 'web-primary': 'demo/web:1.0.0 x1' })
      expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
    },
  },
  {
    name: 'overtaken',
    writes: 40,
    async play(stage, app) {
      await create(stage, app)
      await setImage(stage, app, '1.1.0')
      await untilRouted(app, '50+0')
      app.count()
      await setImage(stage, app, '1.2.0')
      await untilEnded(stage, app, 'Succeeded')
    },
    async end(stage, app) {
      expect(await workloadsOf(stage, app)).toEqual({ web: 'demo/web:1.2.0 x0', 'web-primary': 'demo/web:1.2.0 x1' })
      expect(await runsOf(stage, app)).toEqual(['web-1 Superseded', 'web-2 Succeeded'])
      expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0', '0+100', '50+0', '0+0'])
    },
  },
  {
    name: 'unpromotable',
    writes: 44,
    async play(stage, app) {
      await create(stage, app)
      await setImage(stage, app, unpromotableTag)
      await untilPhase(stage, app, 'Promoting')
      app.count()
      await stage.client.patch(canaryKind, web(app), { spec: { progressDeadlineSeconds: 3 } }, { type: 'merge' })
      await untilPhase(stage, app, 'Failed')
      await stage.client.patch(canaryKind, web(app), { spec: { progressDeadlineSeconds: 60 } }, { type: 'merge' })
      await setImage(stage, app, '1.2.0')
      await untilEnded(stage, app, 'Succeeded')
    },
    async end(stage, app) {
      expect(await workloadsOf(stage, app)).toEqual({ web: 'demo/web:1.2.0 x0', 'web-primary': 'demo/web:1.2.0 x1' })
      expect(await runsOf(stage, app)).toEqual(['web-1 Failed', 'web-2 Succeeded'])
    },
  },
  {
    name: 'stalled',
    writes: 24,
    async play(stage, app) {
      await createNamespace(stage, app)
      await app.turn
      app.count()
      await createCanary(stage, app)
      const stalled = () =>
        stage.canaries
          .get(web(app))
          ?.status?.conditions?.find(({ type, status }) => type === 'Stalled' && status === 'True')
      await eventually(() => expect(stalled()?.reason).toBe('TargetNotFound'), { within: WITHIN_MS })
      await createDeployment(stage, app)
      await untilPhase(stage, app, 'Initialized')
    },
    async end(stage, app) {
      expect(await workloadsOf(stage, app)).toEqual({ web: 'demo/web:1.0.0 x0', 'web-primary': 'demo/web:1.0.0 x1' })
      expect(app.routes).toEqual(['0+0'])
    },
  },
  {
    name: 'deleted',
    writes: 18,
    async play(stage, app) {
      await create(stage, app)
      app.count()
      await stage.client.delete(canaryKind, web(app))
    },
    async end(stage, app) {
      const kinds = [canaryKind, canaryRunKind, deploymentKind, serviceKind, virtualServiceKind]
      await untilLeft(stage, app, kinds, [[], [], ['web'], ['web'], []])
      expect(await workloadsOf(stage, app)).toEqual({ web: 'demo/web:1.0.0 x1' })
    },
  },
  {
    name: 'selected',
    writes: 44,
    async play(stage, app) {
      const { client } = stage
      await createNamespace(stage, app)
      for (const version of ['blue', 'green']) await client.create(deploymentKind, versionNamed(app, version))
      await client.create(serviceKind, selecting(app, 'blue'))
      const targetRef = { apiVersion: 'v1', kind: 'Service', name: 'web' }
      const metrics = [{ name: 'success', templateRef: { name: 'success' }, thresholdRange: { min: 99 } }]
      await client.create(metricTemplateKind, unaskedTemplate(app))
      await createCanary(stage, app, { metrics }, { targetRef })
      await untilPhase(stage, app, 'Initialized')
      await app.turn
      app.count()
      await select(stage, app, 'green')
      await untilPhase(stage, app, 'Succeeded')
      await client.delete(canaryKind, web(app))
    },
    async end(stage, app) {
      await untilLeft(stage, app, [canaryKind, serviceKind, virtualServiceKind], [[], ['web'], []])
      expect(await workloadsOf(stage, app)).toEqual({ blue: 'demo/web:1.0.0 x1', green: 'demo/web:1.0.0 x1' })
      expect(app.routes.slice(0, 4)).toEqual(['0+0', '0+100', '50+0', '0+0'])
    },
  },
  {
    name: 'switched',
    writes: 44,
    async play(stage, app) {
      await create(stage, app, { stepWeights: undefined, iterations: 2, mirror: true, stepWeightPromotion: 50 })
      app.count()
      await setImage(stage, app, '1.1.0')
      await untilEnded(stage, app, 'Succeeded')
    },
    async end(stage, app) {
      expect(await workloadsOf(stage, app)).toEqual({ web: 'demo/web:1.1.0 x0', 'web-primary': 'demo/web:1.1.0 x1' })
      expect(app.routes).toEqual(['0+0', '0+100', '100+0', '50+0', '0+0'])
    },
  },
  {
    name: 'configured',
    writes: 44,
    async play(stage, app) {
      const { client } = stage
      await createNamespace(stage, app)
      await client.create(configMapKind, settings(app, 'blue'))
      await client.create(deploymentKind, reading(app))
      await createCanary(stage, app)
      await untilPhase(stage, app, 'Initialized')
      await app.turn
      app.count()
      await client.replace(configMapKind, settings(app, 'green'))
      await untilEnded(stage, app, 'Succeeded')
    },
    async end(stage, app) {
      expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
      expect(await runsOf(stage, app)).toEqual(['web-1 Succeeded'])
      const copies = async () => expect(await copiedSettings(stage, app)).toEqual({ color: 'green', isRead: true })
      await eventually(copies, { within: WITHIN_MS, every: 500 })
    },
  },
]
