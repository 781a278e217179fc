import { expect, test } from 'vitest'
import {
  abortAnnotation,
  canaryKind,
  canaryRunKind,
  deploymentKind,
  maxReleasesAnnotation,
  namespaceKind,
  promoteAnnotation,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { eventually } from './eventually.ts'
import {
  brokenVersion,
  joinNamespace,
  type Stage,
  type StagedApp,
  type StagedOptions,
  stagedCanary,
  stagedDeployment,
  startNamespace,
  startStagedApp,
  watchApp,
} from './staged-app.ts'

const TIMEOUT_MS = 300_000

/**
 * What a release does, told once: the local platform and a real control plane play the same scenarios, so that the two
 * are held to one behaviour. Nothing here asks which of them it is.
 */
export function describeReleases(stage: () => Stage): void {
  const scenario = (name: string, options: StagedOptions, play: (app: StagedApp) => Promise<void>) =>
    test.concurrent(
      name,
      async () => {
        const app = await startStagedApp(stage(), options)
        try {
          await play(app)
        } finally {
          await app.stop()
        }
      },
      TIMEOUT_MS,
    )

  scenario('a version that passes is promoted step by step', { namespace: 'promoted' }, async (app) => {
    await app.setImage('1.1.0')
    const run = await app.ended('1.1.0')
    expect(app.steps(run)).toEqual(['mirror 0 passed', 'weight 50 passed'])
    expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
    expect(await imagesAndReplicas(app)).toEqual({ web: 'demo/web:1.1.0 x0', 'web-primary': 'demo/web:1.1.0 x2' })
    const { status } = await app.canary()
    expect(status?.lastPromotedSpec).toBe(run.spec.revision)
    expect(status?.conditions?.map(({ type, status: value }) => `${type}=${value}`)).toEqual([
      'Ready=True',
      'Reconciling=False',
      'Stalled=False',
      'Promoted=True',
    ])
    await eventually(async () =>
      expect(await app.eventReasons()).toEqual([
        'Initialized',
        'NewRevision',
        'Promoting',
        'Succeeded',
        'WeightChanged',
      ]),
    )
  })

  scenario(
    'connections are weighted as requests are',
    {
      namespace: 'connected',
      spec: { service: { port: 80, targetPort: 8080, appProtocol: 'tcp' } },
      analysis: { mirror: false },
    },
    async (app) => {
      await app.setImage('1.1.0')
      expect(app.steps(await app.ended('1.1.0'))).toEqual(['weight 50 passed'])
      expect(app.routes).toEqual(['0+0', '50+0', '0+0'])
      const route = await stage().client.get(virtualServiceKind, { namespace: app.namespace, name: 'web' })
      expect([route?.spec.http, route?.spec.tcp?.length]).toEqual([undefined, 1])
    },
  )

  scenario('a metric that turns bad takes the version back', { namespace: 'taken-back' }, async (app) => {
    app.standAt('50+0')
    await app.setImage('1.1.0')
    await app.until('half of the traffic', ({ status }) => expect(status?.canaryWeight).toBe(50))
    app.setMetric(90)
    const run = await app.ended('1.1.0')
    expect([run.status?.phase, run.status?.reason]).toEqual(['Failed', 'ThresholdReached'])
    expect(app.steps(run)).toEqual(['mirror 0 passed', 'weight 50 failed'])
    expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
    expect(await imagesAndReplicas(app)).toEqual({ web: 'demo/web:1.1.0 x0', 'web-primary': 'demo/web:1.0.0 x2' })
  })

  scenario('a metric without data holds the weight until there is some', { namespace: 'unmeasured' }, async (app) => {
    app.setMetric(undefined)
    await app.setImage('1.1.0')
    const held = await app.until('it holds', ({ status }) => expect(status?.message).toMatch(/without a verdict/))
    expect([held.status?.phase, held.status?.canaryWeight, held.status?.failedChecks]).toEqual(['Progressing', 0, 0])
    app.setMetric(100)
    expect((await app.ended('1.1.0')).status?.phase).toBe('Succeeded')
  })

  scenario('an operator takes it back', { namespace: 'aborted', analysis: { interval: '60s' } }, async (app) => {
    await app.setImage('1.1.0')
    await app.until('it is mirrored', ({ status }) => expect(status?.mirrorWeight).toBe(100))
    await app.annotate(abortAnnotation)
    const run = await app.ended('1.1.0')
    expect([run.status?.phase, run.status?.reason]).toEqual(['Failed', 'Aborted'])
    expect(app.routes).toEqual(['0+0', '0+100', '0+0'])
    await app.until('the command is taken off', ({ metadata }) =>
      expect(metadata.annotations?.[abortAnnotation]).toBeUndefined(),
    )
  })

  scenario('an operator promotes it', { namespace: 'waved-through', analysis: { interval: '60s' } }, async (app) => {
    await app.setImage('1.1.0')
    await app.until('it is mirrored', ({ status }) => expect(status?.mirrorWeight).toBe(100))
    await app.annotate(promoteAnnotation)
    expect((await app.ended('1.1.0')).status?.phase).toBe('Succeeded')
    expect(app.routes).toEqual(['0+0', '0+100', '0+0'])
  })

  scenario('a newer version half-way gets a run of its own', { namespace: 'overtaken' }, async (app) => {
    app.standAt('50+0')
    await app.setImage('1.1.0')
    await app.until('half of the traffic', ({ status }) => expect(status?.canaryWeight).toBe(50))
    await app.setImage('1.2.0')
    await app.until('its own run', ({ status }) => expect(status?.version).toMatch(/web:1.2.0/))
    app.setMetric(100)
    const run = await app.ended('1.2.0')
    expect((await app.ended('1.1.0')).status?.phase).toBe('Superseded')
    expect(app.steps(run)).toEqual(['mirror 0 passed', 'weight 50 passed'])
    expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0', '0+100', '50+0', '0+0'])
    expect((await imagesAndReplicas(app))['web-primary']).toBe('demo/web:1.2.0 x2')
  })

  scenario(
    'a version that never gets ready is given up',
    { namespace: 'unready', spec: { progressDeadlineSeconds: 10 } },
    async (app) => {
      await app.setImage(brokenVersion)
      const run = await app.ended(brokenVersion)
      expect([run.status?.phase, run.status?.reason]).toEqual(['Failed', 'ProgressDeadlineExceeded'])
      expect(app.routes).toEqual(['0+0'])
      expect((await imagesAndReplicas(app))['web-primary']).toBe('demo/web:1.0.0 x2')
    },
  )

  scenario('a deleted Canary leaves nobody unserved', { namespace: 'deleted' }, async (app) => {
    const { client } = stage()
    await app.setImage('1.1.0')
    await app.ended('1.1.0')
    app.served.splice(0)
    await client.delete(canaryKind, { namespace: app.namespace, name: 'web' })
    const left = async () => ({
      canaries: await names(canaryKind, app),
      runs: await names(canaryRunKind, app),
      deployments: await names(deploymentKind, app),
      services: await names(serviceKind, app),
      routes: await names(virtualServiceKind, app),
    })
    await eventually(
      async () =>
        expect(await left()).toEqual({ canaries: [], runs: [], deployments: ['web'], services: ['web'], routes: [] }),
      { within: 120_000 },
    )
    expect(app.served.filter((isServed) => !isServed)).toEqual([])
    expect((await app.deployment('web')).spec.replicas).toBe(2)
  })

  scenario(
    'one that depends on another waits for it, and says so',
    { namespace: 'dependent', spec: { dependsOn: [{ name: 'cart' }] }, analysis: { interval: '60s' } },
    async (app) => {
      await app.until('the dependency is missed', (canary) => expect(stalledReason(canary)).toBe('DependencyNotFound'))
      const cart = await joinNamespace(stage(), {
        namespace: app.namespace,
        name: 'cart',
        analysis: { interval: '60s' },
      })
      await app.until('it is there', (canary) => expect(stalledReason(canary)).toBeUndefined())
      await app.setImage('1.1.0')
      await cart.setImage('1.1.0')
      await cart.until('it is mirrored', ({ status }) => expect(status?.mirrorWeight).toBe(100))
      const waits = async (why: string) => {
        const { status } = await app.until(why, (canary) =>
          expect(canary.status?.message).toBe(`waiting for cart (${why})`),
        )
        expect([status?.phase, status?.version?.replace(/ .v1.*/, '')]).toEqual(['Waiting', 'web:1.0.0 -> web:1.1.0'])
      }
      await waits('its release is in progress')
      await cart.annotate(abortAnnotation)
      await waits('its last release failed')
      await cart.setImage('1.0.0')
      await app.until('its turn', ({ status }) => expect(status?.mirrorWeight).toBe(100))
      await app.annotate(promoteAnnotation)
      expect((await app.ended('1.1.0')).status?.phase).toBe('Succeeded')
      expect(app.routes).toEqual(['0+0', '0+100', '0+0'])
      await cart.stop()
    },
  )

  scenario(
    'a limit lets one begin when another has ended',
    { namespace: 'limited', analysis: { interval: '60s' } },
    async (app) => {
      const { client } = stage()
      const { namespace } = app
      const cart = await joinNamespace(stage(), { namespace, name: 'cart', analysis: { interval: '60s' } })
      const annotations = { [maxReleasesAnnotation]: '1' }
      await client.patch(namespaceKind, { name: namespace }, { metadata: { annotations } }, { type: 'merge' })
      await cart.setImage('1.1.0')
      await cart.until('it is mirrored', ({ status }) => expect(status?.mirrorWeight).toBe(100))
      await app.setImage('1.1.0')
      await app.until('it waits', ({ status }) =>
        expect(status?.message).toMatch(/^waiting for its turn: at most one /),
      )
      expect((await imagesAndReplicas(app)).web).toBe('demo/web:1.1.0 x0')
      await cart.annotate(abortAnnotation)
      await app.until('its turn', ({ status }) => expect(status?.mirrorWeight).toBe(100))
      expect((await cart.canary()).status?.phase).toBe('Failed')
      await cart.stop()
    },
  )

  const names = async (kind: Parameters<Stage['client']['list']>[0], { namespace }: StagedApp) =>
    (await stage().client.list(kind, { namespace })).items.map(({ metadata }) => metadata.name).toSorted()

  async function imagesAndReplicas(app: StagedApp): Promise<Readonly<Record<string, string>>> {
    const describe = async (name: string) => {
      const { spec } = await app.deployment(name)
      return [name, `${spec.template.spec.containers[0]?.image} x${spec.replicas}`] as const
    }
    return Object.fromEntries(await Promise.all(['web', 'web-primary'].map(describe)))
  }

  test.concurrent(
    'a Canary whose Deployment is missing stalls, and goes on when it comes',
    async () => {
      const { client } = stage()
      const namespace = 'absent'
      await startNamespace(stage(), namespace)
      await client.create(canaryKind, stagedCanary({ namespace }))
      const app = watchApp(stage(), namespace)
      await app.until('it stalls', (canary) => expect(stalledReason(canary)).toBe('TargetNotFound'))
      await client.create(deploymentKind, stagedDeployment(stage(), namespace))
      await app.until('it goes on', ({ status }) => expect(status?.phase).toBe('Initialized'))
      await app.stop()
    },
    TIMEOUT_MS,
  )

  test.concurrent(
    'a Service that somebody else owns stalls it, and a second Canary of one Deployment stands back',
    async () => {
      const { client } = stage()
      const namespace = 'foreign'
      await startNamespace(stage(), namespace)
      const owner = await client.create(deploymentKind, stagedDeployment(stage(), namespace))
      await client.create(serviceKind, foreignService(namespace, owner.metadata.uid ?? ''))
      await client.create(canaryKind, stagedCanary({ namespace }))
      const app = watchApp(stage(), namespace)
      await app.until('it stalls', (canary) => expect(stalledReason(canary)).toBe('ObjectOwnedByOther'))
      await client.delete(serviceKind, { namespace, name: 'web-canary' })
      await app.until('it goes on', ({ status }) => expect(status?.phase).toBe('Initialized'))
      await client.create(canaryKind, stagedCanary({ namespace }, 'younger'))
      await eventually(
        async () =>
          expect(stalledReason(await client.get(canaryKind, { namespace, name: 'younger' }))).toBe('TargetClaimed'),
        { within: 60_000 },
      )
      await app.stop()
    },
    TIMEOUT_MS,
  )
}

type Staged = Awaited<ReturnType<StagedApp['canary']>>

const stalledReason = (canary: Staged | undefined): string | undefined =>
  canary?.status?.conditions?.find(({ type, status }) => type === 'Stalled' && status === 'True')?.reason

const foreignService = (namespace: string, uid: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'web-canary',
    namespace,
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid, controller: true }],
  },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] },
})
