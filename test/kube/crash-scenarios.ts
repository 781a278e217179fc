import { expect } from 'vitest'
import {
  canaryKind,
  canaryRunKind,
  type Deployment,
  deploymentKind,
  type MetricTemplate,
  metricTemplateKind,
  type Service,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { simulatedNode, unpromotableTag } from '../support/simulated-node.ts'
import { stagedCanary, stagedDeployment } from '../support/staged-app.ts'
import type { CrashedApp, CrashHarness } from './crash-harness.ts'

/** Generous: dozens of releases share one control plane and a controller that is just being killed. */
export const WITHIN_MS = 300_000

export interface CrashScenario {
  readonly name: string
  /** At least as many as there are writes. */
  readonly writes: number
  play(stage: CrashHarness, app: CrashedApp): Promise<void>
  end(stage: CrashHarness, app: CrashedApp): Promise<void>
}

const web = ({ namespace }: Pick<CrashedApp, 'namespace'>) => ({ namespace, name: 'web' })

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
]

async function create(stage: CrashHarness, app: CrashedApp, analysis: object = {}): Promise<void> {
  await createNamespace(stage, app)
  await createDeployment(stage, app)
  await createCanary(stage, app, analysis)
  await untilPhase(stage, app, 'Initialized')
  await app.turn
}

const createNamespace = ({ plane }: CrashHarness, { namespace }: CrashedApp) =>
  plane.request('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } })

const deploymentOf = ({ namespace }: CrashedApp): Deployment => {
  const deployment = stagedDeployment({ podSpec: { nodeName: simulatedNode } }, namespace)
  return { ...deployment, spec: { ...deployment.spec, replicas: 1 } }
}

const createDeployment = ({ client }: CrashHarness, app: CrashedApp) => client.create(deploymentKind, deploymentOf(app))

const createCanary = (
  { client }: CrashHarness,
  { namespace }: CrashedApp,
  analysis: object = {},
  spec: object = {},
) => {
  const metrics = [{ name: 'request-success-rate', thresholdRange: { min: 99 } }]
  return client.create(
    canaryKind,
    stagedCanary({ namespace, analysis: { interval: '1s', metrics, ...analysis }, spec: { ...spec } }),
  )
}

async function setImage({ client }: CrashHarness, app: CrashedApp, version: string): Promise<void> {
  const spec = { template: { spec: { containers: [{ name: 'web', image: `demo/web:${version}` }] } } }
  await client.patch(deploymentKind, web(app), { spec }, { type: 'strategic' })
}

const untilRouted = (app: CrashedApp, share: string) =>
  eventually(() => expect(app.routes.at(-1)).toBe(share), { within: WITHIN_MS, what: `${app.namespace}: ${share}` })

const untilPhase = (stage: CrashHarness, app: CrashedApp, phase: string) =>
  eventually(
    () => {
      const { status } = stage.canaries.get(web(app)) ?? {}
      expect(status?.phase, status?.message).toBe(phase)
    },
    { within: WITHIN_MS, every: 100, what: `${app.namespace}: ${phase}` },
  )

/** Also what a pass does after it has recorded the phase. */
async function untilEnded(stage: CrashHarness, app: CrashedApp, phase: string): Promise<void> {
  await untilPhase(stage, app, phase)
  await eventually(() => expect(stage.deployments.get(web(app))?.spec.replicas).toBe(0), { within: WITHIN_MS })
}

async function workloadsOf(
  { client }: CrashHarness,
  { namespace }: CrashedApp,
): Promise<Readonly<Record<string, string>>> {
  const { items } = await client.list(deploymentKind, { namespace })
  return Object.fromEntries(
    items.map(({ metadata, spec }) => [metadata.name, `${spec.template.spec.containers[0]?.image} x${spec.replicas}`]),
  )
}

async function runsOf({ client }: CrashHarness, { namespace }: CrashedApp): Promise<readonly string[]> {
  const { items } = await client.list(canaryRunKind, { namespace })
  return items.map(({ metadata, status }) => `${metadata.name} ${status?.phase}`)
}

type Kind = Parameters<CrashHarness['client']['list']>[0]

async function untilLeft(
  { client }: CrashHarness,
  { namespace }: CrashedApp,
  kinds: readonly Kind[],
  expected: readonly (readonly string[])[],
): Promise<void> {
  const namesOf = async (kind: Kind) =>
    (await client.list(kind, { namespace })).items.map(({ metadata }) => metadata.name)
  const left = async () => expect(await Promise.all(kinds.map(namesOf))).toEqual(expected)
  await eventually(left, { within: WITHIN_MS, every: 500, what: `${namespace}: what is left` })
}

/** One of two Deployments that a Service may lead to: nobody scales them. */
function versionNamed(app: CrashedApp, name: string): Deployment {
  const { spec, ...rest } = deploymentOf(app)
  const labels = { app: name }
  const template = { ...spec.template, metadata: { labels } }
  return {
    ...rest,
    metadata: { name, namespace: app.namespace, labels },
    spec: { ...spec, selector: { matchLabels: labels }, template },
  }
}

const selecting = ({ namespace }: CrashedApp, app: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace },
  spec: { selector: { app }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
})

const select = ({ client }: CrashHarness, app: CrashedApp, version: string) =>
  client.patch(serviceKind, web(app), { spec: { selector: { app: version } } }, { type: 'merge' })

const unaskedTemplate = ({ namespace }: CrashedApp): MetricTemplate => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'MetricTemplate',
  metadata: { name: 'success', namespace },
  spec: { provider: { type: 'prometheus', address: 'http://127.0.0.1:9' }, query: 'up' },
})
