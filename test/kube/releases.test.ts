import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  alertProviderKind,
  type CanaryRun,
  canaryKind,
  canaryRunKind,
  configMapKind,
  deploymentKind,
  horizontalPodAutoscalerKind,
  imagePolicyKind,
  jobKind,
  metricTemplateKind,
  namespaceKind,
  scaledObjectKind,
  secretKind,
} from '../../src/api/index.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { readAuditLog } from '../support/audit-log.ts'
import { controlPlaneTools } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { flaggerDefinitions } from '../support/flagger-crds.ts'
import { describeGates } from '../support/gate-scenarios.ts'
import { answer, startServer } from '../support/http-server.ts'
import { jobTemplate } from '../support/job-template.ts'
import { scaledObjectDefinition } from '../support/keda-crd.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { controllerUser, type KubeStage, startKubeStage } from '../support/kube-stage.ts'
import { describeOwnership } from '../support/ownership-scenarios.ts'
import { describePolicies } from '../support/policy-scenarios.ts'
import { describeReleases } from '../support/release-scenarios.ts'
import { startStagedApp } from '../support/staged-app.ts'
import { describeStalling } from '../support/stalled-scenarios.ts'
import { describeStrategies } from '../support/strategy-scenarios.ts'
import { describeTargets } from '../support/target-scenarios.ts'
import { type PolicyRule, unusedRights } from '../support/unused-rights.ts'
import { describeFlagger } from './flagger-scenario.ts'
import { describeMissingRights, describeUngranted, ungrantedNamespaces } from './right-scenarios.ts'
import { describeRoutes } from './route-scenarios.ts'

const lastVerdicts = ({ status }: CanaryRun) =>
  (status?.steps.at(-1)?.verdicts ?? []).map(({ metric, state, value }) => `${metric} ${state} ${value}`)

const skipped = skipReason('releases on a real control plane', ...controlPlaneTools, 'helm')

describe.skipIf(skipped !== undefined)('on a real control plane, with the rights that the chart grants', () => {
  let stage: KubeStage

  beforeAll(async () => {
    stage = await startKubeStage({ readSecretsIn: 'told', runJobsIn: 'measured-by-jobs', flaggerCompat: true })
    await applyCrds(stage.plane, [scaledObjectDefinition, ...flaggerDefinitions])
    await stage.keepController()
  }, BUILD_TIMEOUT_MS)

  afterAll(() => stage?.stop())

  describeReleases(() => stage)
  describeStrategies(() => stage)
  describeGates(() => stage)
  describePolicies(() => stage)
  describeTargets(() => stage)
  describeOwnership(() => stage)
  describeStalling(() => stage)
  describeRoutes(() => stage)
  describeFlagger(() => stage)
  describeUngranted(() => stage)

  test.concurrent('an image policy that finds no registry says so', async () => {
    await stage.client.create(imagePolicyKind, {
      apiVersion: 'sluice.dev/v1',
      kind: 'ImagePolicy',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        image: '127.0.0.1:9/web',
        semver: { range: '>=1.0.0' },
        schedule: '* * * * * *',
        targetRef: { kind: 'Deployment', name: 'web' },
        insecure: true,
        suspend: false,
      },
    })
    await eventually(
      async () => {
        const policy = await stage.client.get(imagePolicyKind, { namespace: 'default', name: 'web' })
        expect(policy?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False' }))
      },
      { within: 120_000 },
    )
  })

  test.concurrent('who asked for it is told, and of the runs the last ten are kept', async () => {
    const { client } = stage
    const namespace = 'told'
    await using receiver = await startServer(answer(200))
    const alerts = [{ name: 'team', providerRef: { name: 'team' } }]
    const app = await startStagedApp(stage, { namespace, analysis: { alerts }, spec: { skipAnalysis: true } })
    await client.create(secretKind, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'team', namespace },
      data: { address: Buffer.from(receiver.url).toString('base64') },
    })
    await client.create(alertProviderKind, {
      apiVersion: 'sluice.dev/v1',
      kind: 'AlertProvider',
      metadata: { name: 'team', namespace },
      spec: { type: 'webhook', secretRef: { name: 'team' } },
    } as never)
    const { uid = '' } = (await app.canary()).metadata
    const owner = { apiVersion: 'sluice.dev/v1', kind: 'Canary', name: 'web', uid }
    for (let number = 1; number <= 10; number++) {
      await client.create(canaryRunKind, {
        apiVersion: 'sluice.dev/v1',
        kind: 'CanaryRun',
        metadata: { name: `web-${number}`, namespace, ownerReferences: [owner] },
        spec: { canary: 'web', revision: `r${number}`, images: [], startedAt: '2026-01-01T00:00:00Z' },
      })
    }
    await app.setImage('1.1.0')
    const run = await app.ended('1.1.0')
    expect(run.metadata.name).toBe('web-11')
    await eventually(async () => expect(receiver.requests.length).toBeGreaterThan(1), { within: 30_000 })
    const { items } = await client.list(canaryRunKind, { namespace })
    expect(items.map(({ metadata }) => metadata.name)).not.toContain('web-1')
    expect(items.length).toBe(10)
    await app.stop()
  }, 300_000)

  test.concurrent('a Job decides a step, by its exit and by the number that it leaves', async () => {
    const { client } = stage
    const namespace = 'measured-by-jobs'
    const metrics = [
      { name: 'exit', templateRef: { name: 'exit' }, thresholdRange: { min: 1 } },
      { name: 'number', templateRef: { name: 'number' }, thresholdRange: { min: 99 } },
    ]
    const leave = (name: 'exit' | 'number', left: string) =>
      client.apply(metricTemplateKind, jobTemplate({ namespace, name, left, podSpec: stage.podSpec }))
    await leave('exit', 'done')
    await leave('number', '99.5')
    // Two checks of one run: what the first one ran is taken away by the second.
    const app = await startStagedApp(stage, { namespace, analysis: { mirror: false, metrics, stepWeights: [25, 50] } })
    await app.setImage('1.1.0')
    const good = await app.ended('1.1.0')
    expect([good.status?.phase, lastVerdicts(good)]).toEqual(['Succeeded', ['exit passed 1', 'number passed 99.5']])
    await leave('number', '42')
    await app.setImage('1.2.0')
    const bad = await app.ended('1.2.0')
    expect([bad.status?.phase, lastVerdicts(bad)]).toEqual(['Failed', ['exit passed 1', 'number failed 42']])
    await leave('exit', 'failed')
    await leave('number', '100')
    await app.setImage('1.3.0')
    const failing = await app.ended('1.3.0')
    expect([failing.status?.phase, lastVerdicts(failing)]).toEqual(['Failed', ['exit failed 0', 'number passed 100']])
    const { items: jobs } = await client.list(jobKind, { namespace })
    expect(new Set(jobs.map(({ metadata }) => metadata.ownerReferences?.[0]?.name))).toEqual(
      new Set([good, bad, failing].map(({ metadata }) => metadata.name)),
    )
    await app.stop()
  }, 300_000)

  test.concurrent('what a workload reads is released with it, its autoscaler is copied, and both go with the Canary', async () => {
    const { client } = stage
    const namespace = 'reading'
    await client.apply(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    await client.create(horizontalPodAutoscalerKind, {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web', namespace },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 4 },
    })
    const primaryScalerReplicas = { minReplicas: 2, maxReplicas: 6 }
    const autoscalerRef = { kind: 'HorizontalPodAutoscaler', name: 'web', primaryScalerReplicas }
    const app = await startStagedApp(stage, { namespace, spec: { skipAnalysis: true, autoscalerRef } })
    const copied = await client.get(horizontalPodAutoscalerKind, { namespace, name: 'web-primary' })
    expect(copied?.spec).toMatchObject({ ...primaryScalerReplicas, scaleTargetRef: { name: 'web-primary' } })

    const settings = { namespace, name: 'settings' }
    await client.create(configMapKind, { apiVersion: 'v1', kind: 'ConfigMap', metadata: settings, data: { a: '1' } })
    const volumes = [{ name: 'settings', configMap: { name: 'settings' } }]
    const reads = { spec: { template: { spec: { volumes } } } }
    await client.patch(deploymentKind, { namespace, name: 'web' }, reads, { type: 'strategic' })
    const promoted = (run: string) =>
      app.until(`${run} is promoted`, ({ status }) =>
        expect([status?.runName, status?.phase]).toEqual([run, 'Succeeded']),
      )
    await promoted('web-1')
    await client.patch(configMapKind, settings, { data: { a: '2' } }, { type: 'merge' })
    await promoted('web-2')
    const copies = async () =>
      (await client.list(configMapKind, { namespace })).items.filter(({ immutable }) => immutable)
    await eventually(async () => expect((await copies()).map(({ data }) => data)).toEqual([{ a: '2' }]), {
      within: 60_000,
    })
    const [copy] = await copies()
    const primary = await app.deployment('web-primary')
    expect(primary.spec.template.spec.volumes?.[0]?.configMap?.name).toBe(copy?.metadata.name)

    await client.delete(canaryKind, { namespace, name: 'web' }, { propagationPolicy: 'Foreground' })
    await eventually(
      async () => {
        const autoscalers = (await client.list(horizontalPodAutoscalerKind, { namespace })).items
        expect([await copies(), autoscalers.map(({ metadata }) => metadata.name)]).toEqual([[], ['web']])
      },
      { within: 120_000 },
    )
    await app.stop()
  }, 300_000)

  test.concurrent('a ScaledObject of KEDA is copied for the primary, and paused while no release is on', async () => {
    const { client } = stage
    const namespace = 'scaled'
    const ref = { namespace, name: 'web' }
    await client.apply(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    await client.create(scaledObjectKind, {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: ref,
      spec: {
        scaleTargetRef: { name: 'web' },
        minReplicaCount: 1,
        triggers: [{ type: 'prometheus', metadata: { query: 'sum(rate(requests{app="web"}[1m]))' } }],
      },
    })
    const app = await startStagedApp(stage, {
      namespace,
      spec: { autoscalerRef: { kind: 'ScaledObject', name: 'web' } },
    })
    const paused = async () =>
      (await client.get(scaledObjectKind, ref))?.metadata.annotations?.['autoscaling.keda.sh/paused-replicas']
    expect(await paused()).toBe('0')
    expect((await client.get(scaledObjectKind, { namespace, name: 'web-primary' }))?.spec).toEqual({
      scaleTargetRef: { name: 'web-primary' },
      minReplicaCount: 1,
      triggers: [{ type: 'prometheus', metadata: { query: 'sum(rate(requests{app="web-primary"}[1m]))' } }],
    })
    app.standAt('50+0')
    await app.setImage('1.1.0')
    await app.until('half of the traffic', ({ status }) => expect(status?.canaryWeight).toBe(50))
    expect(await paused()).toBeUndefined()
    app.setMetric(100)
    await app.ended('1.1.0')
    expect(await paused()).toBe('0')

    await client.delete(canaryKind, ref)
    const left = async () =>
      (await client.list(scaledObjectKind, { namespace })).items.map(({ metadata }) => metadata.name)
    await eventually(async () => expect(await left()).toEqual(['web']), { within: 120_000 })
    expect(await paused()).toBeUndefined()
    await app.stop()
  }, 300_000)

  const requests = async () => (await readAuditLog(stage.plane)).filter(({ user }) => user === controllerUser)

  test('no right was missing', async () => {
    const all = await requests()
    expect(all.length).toBeGreaterThan(100)
    const refused = all.filter(({ code, namespace }) => code === 403 && !ungrantedNamespaces.includes(namespace))
    expect(refused).toEqual([])
  })

  describeMissingRights(() => stage)

  test('no right is left over', async () => {
    const unused = unusedRights(await rightsOf(stage), await requests())
    expect(unused.filter((right) => !Object.hasOwn(usedElsewhere, right) && !isForLists(right))).toEqual([])
  })
})

/** All rules of the roles that the chart gives to the controller. */
async function rightsOf({ plane }: KubeStage): Promise<readonly PolicyRule[]> {
  const selector = 'labelSelector=app.kubernetes.io%2Fcomponent%3Dcontroller'
  const paths = ['clusterroles', 'roles'].map((kind) => `/apis/rbac.authorization.k8s.io/v1/${kind}?${selector}`)
  const lists = await Promise.all(paths.map((path) => plane.request('GET', path)))
  const rules = lists.map(({ body }) => body.items.flatMap((role: { rules: readonly PolicyRule[] }) => role.rules))
  // Of Secrets, Jobs and leases: all that are there are asked for.
  expect(lists.map(({ body }) => body.items.length)).toEqual([1, 4])
  return rules.flat()
}

/** An API server of before 1.32 is asked for lists: it streams nothing unless it is told to. */
const isForLists = (right: string): boolean => right.startsWith('list ')

/** Rights that are not needed in each of these releases, and who needs them. */
const usedElsewhere: Readonly<Record<string, string>> = {
  'update sluice.dev/canaries/finalizers': 'asked by admission, when an owner reference blocks deletion',
  'update flagger.app/canaries/finalizers': 'asked by admission, when an owner reference blocks deletion',
  'delete apps/deployments': 'asked by admission, when an owner reference is set',
  'delete apps/daemonsets': 'asked by admission, when an owner reference is set',
  'delete /services': 'asked by admission, when an owner reference is set',
  'delete networking.istio.io/virtualservices': 'asked by admission, when an owner reference is set',
  'delete autoscaling/horizontalpodautoscalers': 'asked by admission, when an owner reference is set',
  'delete keda.sh/scaledobjects': 'asked by admission, when an owner reference is set',
  'get sluice.dev/canaries': 'after a Conflict of the status with a user who writes the spec',
  'get flagger.app/canaries': 'after a Conflict of the status with a user who writes the spec',
  'get sluice.dev/imagepolicies': 'after a Conflict of the status with a user who writes the spec',
}
